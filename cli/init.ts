import { type Config, readConfig } from '../actors/config.js';
import { type ConfigSources, defaultData, settingsIn } from '../actors/config-sources.js';
import { keptTowerKey, towerKeyFile, towerOf } from '../actors/secrets.js';
import { ensureStreams } from '../events/log/ensure-streams.js';
import { wantedStreams } from '../events/log/streams.js';
import { printDrift } from './drift.js';
import { withLog } from './log-access.js';
import { printFields, printJson, Table } from './print.js';
import type { Written } from './setup/setup.js';

export interface InitOptions {
  /** Nobody is asked, and the settings are written all the same. */
  readonly yes: boolean;
  readonly force: boolean;
  readonly json: boolean;
}

/**
 * Begins a tower, or a node of one: asks for the settings at a terminal, and writes them; makes the log, and the tower's key if
 * there is none. Finds the same again if they are there.
 */
export async function init(sources: ConfigSources, { yes, force, json }: InitOptions): Promise<void> {
  const asks = process.stdin.isTTY === true && process.stdout.isTTY === true && !json;
  const written = yes || asks ? await (await import('./setup/setup.js')).setUp(sources, { yes, force }) : undefined;
  const config = readConfig(
    written ? { ...sources, file: written.file, flags: { ...sources.flags, data: written.data } } : sources,
  );
  await makeLog(config, json, written?.file);
  if (!json && (written || asks)) printNext(config, sources, written);
}

async function makeLog(config: Config, json: boolean, file: string | undefined): Promise<void> {
  await withLog(config, async ({ nc, patiently }) => {
    const towerId = towerOf(keptTowerKey(towerKeyFile(config.data)));
    const wish = { network: config.network, towerId, ...config.log };
    const { layout, made, drift } = await patiently(() => ensureStreams(nc, wish));
    const { network, shards, replicas } = layout;
    const fields = { tower_id: towerId, network, shards, replicas };
    const streams = wantedStreams(layout).map(({ name }) => ({
      stream: name,
      made: made.includes(name) ? 'now' : 'before',
    }));
    if (json)
      return printJson({ ...fields, streams, stream_drift: drift, ...(file !== undefined && { settings: file }) });
    printFields(fields);
    new Table({ STREAM: 'stream', MADE: 'made' }).print(streams);
    printDrift(drift);
  });
}

/** What there is now, and what comes next. */
function printNext(config: Config, { file, flags }: ConfigSources, written: Written | undefined): void {
  const { network, data, registration } = config;
  const where = [
    ...(file ? ['--config', file] : []),
    ...(!file && network !== 'mainnet' ? ['--network', network] : []),
    ...((file ? flags.data : data !== defaultData(network)) ? ['--data', data] : []),
  ];
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const line = (command: string, what: string) =>
    say(`  ${[...PROGRAM, ...command.split(' '), ...where.map(quoted)].join(' ')}\n      ${what}`);
  say('');
  if (written?.aside !== undefined) say(`The settings before these are in ${written.aside}.`);
  say(`Settings: ${written?.file ?? `${file ?? settingsIn(data)}, as they were`}`);
  say(`Keys:     ${data}: tower.key, which is the tower, and nats/*.nkey`);
  say('\nNext:');
  line('doctor', 'checks all that a start needs');
  line('up', 'starts the node; docs/packaging has a unit for systemd');
  line('key export FILE', 'a copy of the key under a passphrase, for a safe place; key encrypt encrypts the one here');
  if (registration.policy === 'invite') line('invite create', 'prints an invite for a user, once the node is up');
  if (registration.policy === 'allow') line('allow add USER_ID', 'lets a user in, once the node is up');
}

/** How the person called us. */
const PROGRAM = process.env.npm_lifecycle_event === 'argus' ? ['npm', 'run', '-s', 'argus', '--'] : ['argus'];

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
