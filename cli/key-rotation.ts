import type { Command } from 'commander';
import type { StreamInfo } from 'nats';
import type { Config } from '../actors/config.js';
import { laterKeyFile } from '../actors/key-ring.js';
import type { TowerKey } from '../actors/secrets.js';
import { chainAggregate } from '../events/aggregate.js';
import { type ChainCommit, type Commit, newCommit } from '../events/commit.js';
import { type IdentityRotated, identitiesOf, MOST_SUCCESSIONS, successionMessage } from '../events/identity.js';
import type { Shard, TowerId } from '../events/ids.js';
import { readStream } from '../events/log/ensure-streams.js';
import { EventLog } from '../events/log/log.js';
import { CHAIN } from '../events/log/streams.js';
import { within } from '../events/log/within.js';
import { BlockWindow } from '../projections/block-window.js';
import { Fold } from '../projections/fold.js';
import { notUnderstood } from './arguments.js';
import { Opener, openTowerKey } from './kept-key.js';
import { withLog } from './log-access.js';
import { begunIdentity, endAttempt, nextKey } from './next-key.js';
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
        throw notUnderstood('this cannot be undone: read argus key rotate --help, and give --yes');
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
  const key = await openTowerKey(config, opener, { mustBe: true });
  try {
    await withLog(config, async ({ nc, jsm, patiently }) => {
      assertOurs(await patiently(() => readStream(jsm, CHAIN)), key.towerId);
      const log = await EventLog.open(nc);
      await withChain(log, async (chain) => {
        if (isDoneAlready(config, key, chain)) return;
        const from = lastOf(key, chain);
        if (!key.identities.includes(from)) throw new OperatorError(`${missing(config, from)}: bring it here first`);
        if (chain.state.successions.length >= MOST_SUCCESSIONS)
          throw new OperatorError(`a tower has no more than ${MOST_SUCCESSIONS} identities after its first`);
        const next = await nextKey(config, key, opener);
        try {
          await append(config, log, chain, statement(key, from, next));
          tell(config, from, next.towerId);
          endAttempt(config.data);
        } finally {
          next.wipe();
        }
      });
    });
  } finally {
    key.wipe();
  }
}

/** Another tower's log would have a statement for ever that its auditors object to. */
function assertOurs(chain: StreamInfo | undefined, towerId: TowerId): void {
  if (!chain) throw new OperatorError('there is no log here; argus up makes one');
  const owner = chain.config.metadata?.['argus.tower'];
  if (owner === towerId) return;
  throw new OperatorError(`the log is that of tower ${owner}, and this node's key is that of ${towerId}`);
}

const missing = (config: Config, identity: TowerId): string =>
  `there is no ${laterKeyFile(config.data, identity)}, the key of the identity in force (argus key export --id ${identity} on a node that has it, argus key import --later)`;

type Chain = Fold<ChainCommit, BlockWindow>;

/** The identity in force, as far as the chain is folded. */
const lastOf = ({ towerId }: TowerKey, { state }: Chain): TowerId =>
  identitiesOf(towerId, state.successions).at(-1) ?? towerId;

/** Tells what an attempt has done that was broken off before it could; whoever wants yet another identity asks again. */
function isDoneAlready(config: Config, key: TowerKey, chain: Chain): boolean {
  const begun = begunIdentity(config.data);
  const known = identitiesOf(key.towerId, chain.state.successions);
  const at = begun === undefined ? -1 : known.indexOf(begun);
  const from = known[at - 1];
  if (begun === undefined || from === undefined) return false;
  tell(config, from, begun);
  process.stdout.write('  This was begun earlier, and is done: for yet another identity, give the command again.\n');
  endAttempt(config.data);
  return true;
}

async function withChain(log: EventLog, act: (chain: Chain) => Promise<void>): Promise<void> {
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const chain: Chain = new Fold<ChainCommit, BlockWindow>(log, CHAIN, 0 as Shard, new BlockWindow(), fail);
  const level = within(chain.level(), LEVEL_MS, 'the log did not give all of the chain in time: try it again');
  try {
    await Promise.race([level.then(() => act(chain)), failed]);
  } finally {
    chain.stop();
  }
}

function statement(key: TowerKey, from: TowerId, { towerId: to, sign }: TowerKey): IdentityRotated {
  const message = successionMessage(from, to);
  return { type: 'IdentityRotated', from, to, oldSignature: key.sign(message, from), newSignature: sign(message) };
}

/** How long the chain may take to be folded, in ms. */
const LEVEL_MS = 120_000;
const MOST_ATTEMPTS = 20;

/** Behind the chain's last commit; a block that comes first is waited for, and it is tried again. */
async function append(config: Config, log: EventLog, chain: Chain, event: IdentityRotated): Promise<void> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    await within(chain.level(), LEVEL_MS, 'the log does not answer: try it again');
    const [, heir] = identitiesOf(event.from, chain.state.successions);
    if (heir === event.to) return;
    if (heir !== undefined) throw new OperatorError(`somebody has begun another identity meanwhile: ${heir}`);
    const commit = newCommit(chainAggregate, [event], config.node, Date.now()) as Omit<Commit, 'position'>;
    const expected = chain.state.position;
    const appended = await log.append(commit, { shard: 0 as Shard, expected, patience: 10_000 });
    if (appended.kind === 'appended') return;
    await within(chain.reached(appended.position), LEVEL_MS, 'the log does not answer: try it again');
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
