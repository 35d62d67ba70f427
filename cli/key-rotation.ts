import { type Command, CommanderError } from 'commander';
import type { Config } from '../actors/config.js';
import { exportKey } from '../actors/key-export.js';
import { keysIn, laterIdentities, laterKeyFile } from '../actors/key-ring.js';
import { keepTowerKey, keepTowerSecret, newTowerSecret, type TowerKey, towerKeyOf } from '../actors/secrets.js';
import { chainAggregate } from '../events/aggregate.js';
import { type ChainCommit, type Commit, newCommit } from '../events/commit.js';
import { type IdentityRotated, identitiesOf, successionMessage } from '../events/identity.js';
import type { Shard, TowerId } from '../events/ids.js';
import { EventLog } from '../events/log/log.js';
import { CHAIN } from '../events/log/streams.js';
import { BlockWindow } from '../projections/block-window.js';
import { Fold } from '../projections/fold.js';
import { Opener, openTowerKey } from './kept-key.js';
import { withLog } from './log-access.js';
import { OperatorError } from './operator.js';
import { addKeyAndLogFlags, configOf } from './settings.js';

/** `argus key rotate`: another identity for the tower, on the same log. */

export function addKeyRotation(key: Command): void {
  addKeyAndLogFlags(key.command('rotate'))
    .description('begin another identity, which newcomers are served by; users that there are keep theirs')
    .option('--yes', 'all nodes are of a version that knows this, and the log is to say so for ever')
    .addHelpText('after', `${HELP}\n\nExample:\n  argus key rotate --yes`)
    .action((_options, command: Command) => {
      if (command.opts<{ yes?: true }>().yes !== true)
        throw new CommanderError(
          2,
          'argus.argument',
          'this cannot be undone: read argus key rotate --help, and give --yes',
        );
      return rotate(configOf(command));
    });
}

const HELP = `
A new key is made beside the old one, both sign that the one succeeds the other, and that goes on the log. From then on
whoever registers for the first time is served by the new identity, whose id is to be published; everybody else goes on
with receipts by the old one. Give the key to the other nodes (key export --id, key import --later) and start all nodes
anew. Nodes of a version that does not know this stop when it is on the log. Broken off, it goes on where it was.`;

async function rotate(config: Config): Promise<void> {
  const opener = new Opener(config);
  const key = await openTowerKey(config, opener);
  try {
    await withLog(config, async ({ nc }) => {
      const log = await EventLog.open(nc);
      await withChain(log, async (chain) => {
        const from = identitiesOf(key.towerId, chain.state.successions).at(-1) ?? key.towerId;
        if (!key.identities.includes(from))
          throw new OperatorError(`this node has no key of ${from}, which is in force`);
        const next = await nextKey(config, key, { chain, opener });
        try {
          await append(config, log, chain, statement(key, from, next));
          tell(config, from, next.towerId);
        } finally {
          next.wipe();
        }
      });
    });
  } finally {
    key.wipe();
  }
}

type Chain = Fold<ChainCommit, BlockWindow>;

async function withChain(log: EventLog, act: (chain: Chain) => Promise<void>): Promise<void> {
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const chain: Chain = new Fold<ChainCommit, BlockWindow>(log, CHAIN, 0 as Shard, new BlockWindow(), fail);
  try {
    await Promise.race([chain.level().then(() => act(chain)), failed]);
  } finally {
    chain.stop();
  }
}

/** A key that the log does not know yet: of an attempt that was broken off, or a new one, kept as the first is. */
async function nextKey(
  config: Config,
  key: TowerKey,
  { chain, opener }: { readonly chain: Chain; readonly opener: Opener },
): Promise<TowerKey> {
  const known = identitiesOf(key.towerId, chain.state.successions);
  const waiting = laterIdentities(config.data).find((identity) => !known.includes(identity));
  if (waiting !== undefined) return copyOf(key, waiting);
  const secret = newTowerSecret();
  const next = towerKeyOf(secret);
  const file = laterKeyFile(config.data, next.towerId);
  const [first] = keysIn(config.data, { mustBe: true });
  if ('sealed' in first.kept) keepTowerKey(file, await exportKey(secret, await opener.passphrase()));
  else {
    first.kept.secret.fill(0);
    keepTowerSecret(file, secret);
  }
  return next;
}

function copyOf(key: TowerKey, identity: TowerId): TowerKey {
  const secret = new Uint8Array(new ArrayBuffer(32));
  key.copySecret(secret, identity);
  return towerKeyOf(secret);
}

function statement(key: TowerKey, from: TowerId, { towerId: to, sign }: TowerKey): IdentityRotated {
  const message = successionMessage(from, to);
  return { type: 'IdentityRotated', from, to, oldSignature: key.sign(message, from), newSignature: sign(message) };
}

const MOST_ATTEMPTS = 20;

/** Behind the chain's last commit; a block that comes first is waited for, and it is tried again. */
async function append(config: Config, log: EventLog, chain: Chain, event: IdentityRotated): Promise<void> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    await chain.level();
    const known = identitiesOf(event.from, chain.state.successions);
    if (known.length > 1) throw new OperatorError(`somebody has begun another identity meanwhile: ${known[1]}`);
    const commit = newCommit(chainAggregate, [event], config.node, Date.now()) as Omit<Commit, 'position'>;
    const expected = chain.state.position;
    const appended = await log.append(commit, { shard: 0 as Shard, expected, patience: 10_000 });
    if (appended.kind === 'appended') return;
    await chain.reached(appended.position);
  }
  throw new OperatorError('the chain moved all the time: try it again');
}

function tell(config: Config, from: TowerId, to: TowerId): void {
  process.stdout.write(
    [
      `Tower ${from} goes on as ${to} for whoever registers from now on.`,
      `  its key    ${laterKeyFile(config.data, to)}`,
      `  now        start this node anew; on every other: argus key import --later, of argus key export --id ${to}`,
      `  then       publish ${to}`,
      '',
    ].join('\n'),
  );
}
