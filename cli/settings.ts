import { type Command, Option } from 'commander';
import { type Config, readConfig } from '../actors/config.js';
import type { ConfigSources } from '../actors/config-sources.js';

/** The settings that may be given as flags, and which of them a command takes. */

interface Flag {
  /** The setting's path in the configuration file. */
  readonly setting: string;
  readonly flags: string;
  readonly help: string;
}

/** Of every command: where the node's files are. */
const folder: readonly Flag[] = [
  { setting: 'network', flags: '--network <name>', help: 'mainnet, testnet, testnet4, signet or regtest' },
  { setting: 'data', flags: '--data <folder>', help: "the node's folder (default: ~/.argus/<network>)" },
];

/** Of every command that has to do with NATS: where the tower is. */
const whereabouts: readonly Flag[] = [
  {
    setting: 'nats.url',
    flags: '--nats <url>',
    help: 'the NATS server, or several with commas (default for `up`: one of its own)',
  },
  { setting: 'nats.nkey_file', flags: '--nats-nkey <file>', help: 'the seed to sign in to NATS with' },
  { setting: 'nats.ca_file', flags: '--nats-ca <file>', help: 'who certifies the servers of --nats (PEM), for tls://' },
  { setting: 'nats.port', flags: '--nats-port <port>', help: "the port of the node's own NATS server (default: 4222)" },
];

/** Of every command that opens the tower's key. */
const ofKey: readonly Flag[] = [
  {
    setting: 'key.passphrase_file',
    flags: '--key-passphrase-file <file>',
    help: "a file's first line is the passphrase of the tower's key, if that is encrypted (- is stdin)",
  },
];

/** Of a node, and of the command that says where its page is. */
const ofPage: readonly Flag[] = [
  {
    setting: 'web.listen',
    flags: '--web <address>',
    help: "where the operator's web page is shown, or 'off' (default: 127.0.0.1:9816)",
  },
];

/** Of a node alone. */
const ofNode: readonly Flag[] = [
  { setting: 'node', flags: '--node <name>', help: "this node's name in the log (default: the host's)" },
  { setting: 'bitcoind.url', flags: '--bitcoind <url>', help: "bitcoind's RPC, such as http://127.0.0.1:8332" },
  { setting: 'bitcoind.cookie_file', flags: '--bitcoind-cookie <file>', help: "bitcoind's cookie file" },
  { setting: 'bitcoind.user', flags: '--bitcoind-user <name>', help: "bitcoind's rpcuser, instead of a cookie" },
  {
    setting: 'bitcoind.password',
    flags: '--bitcoind-password <text>',
    help: "bitcoind's rpcpassword; better in the file or ARGUS_BITCOIND_PASSWORD, where others do not see it",
  },
  {
    setting: 'bitcoind.zmq_hashblock',
    flags: '--zmq <url>',
    help: "bitcoind's zmqpubhashblock, such as tcp://127.0.0.1:28332 (default: polling alone)",
  },
  {
    setting: 'bitcoind.zmq_sequence',
    flags: '--zmq-sequence <url>',
    help: "bitcoind's zmqpubsequence, often the same: breaches are answered in the mempool (default: in a block)",
  },
  {
    setting: 'http.listen',
    flags: '--http <address>',
    help: "where TEOS clients reach the tower, or 'off' (default: 127.0.0.1:9814)",
  },
  { setting: 'http.python_listen', flags: '--http-python <address>', help: 'the same for python clients alone' },
  { setting: 'http.rust_listen', flags: '--http-rust <address>', help: 'the same for rust clients alone' },
  { setting: 'http.cert_file', flags: '--http-cert <file>', help: 'certificate chain (PEM), for HTTPS' },
  { setting: 'http.key_file', flags: '--http-key <file>', help: 'the key of that certificate (PEM)' },
  {
    setting: 'tor.control',
    flags: '--tor [address]',
    help: "tor's control port, such as 127.0.0.1:9051 or /run/tor/control, for an onion service (default: off; without an address: wherever it is)",
  },
  {
    setting: 'registration.policy',
    flags: '--policy <policy>',
    help: 'who may register: open (anybody), invite, or allow (default: open)',
  },
  {
    setting: 'metrics.listen',
    flags: '--metrics <address>',
    help: "where Prometheus reads the node's metrics, such as 127.0.0.1:9815 (default: nowhere)",
  },
  ...ofPage,
  {
    setting: 'log.shards',
    flags: '--shards <n>',
    help: 'groups of users; fixed when the log is made (default: as it is, or 1)',
  },
  {
    setting: 'log.replicas',
    flags: '--replicas <n>',
    help: 'copies of the log in a NATS cluster (default: as it is, or 1)',
  },
  {
    setting: 'log.serve',
    flags: '--serve <shards>',
    help: 'the shards that this node serves, such as 0-3,7 (default: all)',
  },
  { setting: 'log_level', flags: '--log-level <level>', help: 'trace, debug, info, warn, error or silent' },
];

/** Of the command that says where the page is. */
export const addPageFlags = (command: Command): Command => addFlags(addFolder(command), ofPage);

export function addFolder(command: Command): Command {
  command.option('--config <file>', 'TOML file with any of the settings (default: argus.toml in the data folder)');
  return addFlags(command, folder);
}

export const addWhereabouts = (command: Command): Command => addFlags(addFolder(command), whereabouts);

/** Of a command that makes or changes the log: some of what it is made with. */
export const addLogFlags = (command: Command, ...settings: readonly ('log.shards' | 'log.replicas')[]): Command =>
  addFlags(
    command,
    ofNode.filter(({ setting }) => settings.some((wanted) => wanted === setting)),
  );

/** Of a command that asks a bitcoind: which, and with what credentials. */
export const addBitcoindFlags = (command: Command): Command =>
  addFlags(
    command,
    ofNode.filter(({ setting }) => setting.startsWith('bitcoind.') && !setting.startsWith('bitcoind.zmq')),
  );

export const addNodeFlags = (command: Command): Command => addFlags(addFlags(addWhereabouts(command), ofKey), ofNode);

/** Of a command that opens the tower's key and reaches the log. */
export const addKeyAndLogFlags = (command: Command): Command => addFlags(addWhereabouts(command), ofKey);

export const addKeyFlags = (command: Command): Command => addFlags(addFolder(command), ofKey);

function addFlags(command: Command, flags: readonly Flag[]): Command {
  for (const { flags: spelt, help } of flags) command.addOption(new Option(spelt, help));
  return command;
}

/** The configuration from a command's flags, the environment and the file. Throws `ConfigError`. */
export const configOf = (command: Command): Config => readConfig(sourcesOf(command));

/** Where a command's configuration comes from. */
export function sourcesOf(command: Command): ConfigSources {
  const given = command.opts<Record<string, string | undefined>>();
  // An option that may have a value, and has none.
  const givenAs = (name: string) => (typeof given[name] === 'boolean' ? 'auto' : given[name]);
  const known = [...folder, ...whereabouts, ...ofKey, ...ofNode].map(({ setting, flags }) => [
    setting,
    givenAs(new Option(flags).attributeName()),
  ]);
  return { file: given.config, env: process.env, flags: Object.fromEntries(known) };
}
