import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { readSmallFile } from './small-file.js';

/** Where a configuration's values come from: a TOML file, the environment over it, flags over both. */

/** A value that cannot be used; the message is one line and says which, from where, and why. */
export class ConfigError extends Error {
  readonly code = 'config';
}

/** A setting's path in the file: `bitcoind.url`. Its environment variable is `ARGUS_BITCOIND_URL`. */
export type SettingPath = string;

export interface ConfigSources {
  /** The file to read; without one, `argus.toml` in the data folder, if it is there; null for none at all. */
  readonly file?: string | null | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Values given as flags, by their setting's path. */
  readonly flags: Readonly<Record<SettingPath, string | undefined>>;
}

/** What the sources say, not checked yet: nested as in the file, and where each setting's value is from. */
export interface Gathered {
  readonly values: Readonly<Record<string, unknown>>;
  readonly origin: ReadonlyMap<SettingPath, string>;
}

export function gather(sources: ConfigSources): Gathered {
  const overrides = [...fromEnvironment(sources.env), ...fromFlags(sources.flags)];
  const found = [...fromFile(sources, overrides), ...overrides];
  const origin = new Map(found.map(({ path, from }) => [path, from]));
  return { values: nest(new Map(found.map(({ path, value }) => [path, value]))), origin };
}

/** Where the settings are in a node's folder. */
export const settingsIn = (data: string) => join(data, 'argus.toml');
/** A node's folder unless told. */
export const defaultData = (network: string) => join(homedir(), '.argus', network);

interface Found {
  readonly path: SettingPath;
  readonly value: unknown;
  readonly from: string;
}

const SECTIONS = [
  'key',
  'nats',
  'http',
  'tor',
  'metrics',
  'web',
  'log',
  'snapshots',
  'bitcoind',
  'subscription',
  'registration',
  'limits',
];
/** Environment variables that begin like a setting's and are none. */
const FOREIGN = new Set([
  'ARGUS_NATS_STORE',
  'ARGUS_NODE_NKEY',
  'ARGUS_OPERATOR_NKEY',
  'ARGUS_AUDITOR_NKEY',
  'ARGUS_ISSUER_NKEY',
  // Of `argus key`, and nothing to be written into a file of settings.
  'ARGUS_PASSPHRASE',
  // Of `argus client`, which may be used in the same shell.
  'ARGUS_TOWER',
  // Of nats-cluster.conf, and of what `argus alert` starts, which may be a script that asks argus more.
  'ARGUS_NATS_NAME',
  'ARGUS_NATS_CLUSTER',
  'ARGUS_NATS_ROUTES',
  'ARGUS_NATS_CERT',
  'ARGUS_NATS_KEY',
  'ARGUS_NATS_CA',
  'ARGUS_ALERT_KIND',
  'ARGUS_ALERT_TEXT',
  // Of the tests, which start nodes.
  'ARGUS_TEST_LOG',
  'ARGUS_MODEL_RUNS',
  'ARGUS_MODEL_SEED',
  'ARGUS_FUZZ_REQUESTS',
  'ARGUS_FUZZ_SEED',
  'ARGUS_TORTURE_SECONDS',
  'ARGUS_TORTURE_SEED',
  'ARGUS_TEST_SHOTS',
]);

function fromEnvironment(env: ConfigSources['env']): Found[] {
  return Object.entries(env).flatMap(([name, value]) => {
    if (!name.startsWith('ARGUS_') || FOREIGN.has(name) || value === undefined) return [];
    const key = name.slice('ARGUS_'.length).toLowerCase();
    const section = SECTIONS.find((prefix) => key.startsWith(`${prefix}_`) && key !== 'log_level');
    const path = section ? `${section}.${key.slice(section.length + 1)}` : key;
    return [{ path, value, from: `environment variable ${name}` }];
  });
}

const fromFlags = (flags: ConfigSources['flags']): Found[] =>
  Object.entries(flags).flatMap(([path, value]) => (value === undefined ? [] : [{ path, value, from: 'flag' }]));

function fromFile({ file }: ConfigSources, overrides: readonly Found[]): Found[] {
  if (file === null) return [];
  const name = file ?? defaultFile(overrides);
  let text: string;
  try {
    text = readSmallFile(name);
  } catch (cause) {
    if (file === undefined && cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw new ConfigError(`${name}: cannot be read (${cause instanceof Error ? cause.message : cause})`, { cause });
  }
  try {
    return flatten(parseToml(text), name);
  } catch (cause) {
    const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw new ConfigError(`${name}: not TOML: ${line}`, { cause });
  }
}

const defaultFile = (overrides: readonly Found[]): string => {
  const given = (path: SettingPath) => overrides.findLast((found) => found.path === path)?.value;
  return settingsIn(String(given('data') ?? defaultData(String(given('network') ?? 'mainnet'))));
};

/** The values of a table, those of its sections under their own paths; any other table is a value like any other. */
function flatten(table: object, file: string, prefix = ''): Found[] {
  return Object.entries(table).flatMap(([key, value]) =>
    prefix === '' && SECTIONS.includes(key) && isTable(value)
      ? flatten(value, file, `${key}.`)
      : [{ path: `${prefix}${key}`, value, from: file }],
  );
}

const isTable = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

function nest(values: ReadonlyMap<SettingPath, unknown>): Record<string, unknown> {
  // Without a prototype, so that no name is one of its.
  const root: Record<string, unknown> = Object.create(null);
  const sections = new Map<string, Record<string, unknown>>();
  for (const [path, value] of values) {
    const [section, key] = path.split('.', 2);
    if (section === undefined) continue;
    if (key === undefined) {
      root[section] = value;
      continue;
    }
    // What is no section, though it has the name of one, stays to be refused.
    if (Object.hasOwn(root, section) && root[section] !== sections.get(section)) continue;
    const table = sections.get(section) ?? Object.create(null);
    table[key] = value;
    root[section] = sections.set(section, table).get(section);
  }
  return root;
}
