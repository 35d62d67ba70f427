import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { checkConfig } from '../../actors/config.js';
import {
  ConfigError,
  type ConfigSources,
  defaultData,
  type SettingPath,
  settingsIn,
} from '../../actors/config-sources.js';
import { makePrivateFile } from '../../actors/private-file.js';
import { Questions } from './questions.js';
import { settings, settingsFile } from './settings-file.js';
import { openTerminal } from './terminal.js';

/** What `argus init` does about the settings. */
export interface SetupOptions {
  /** Nobody is asked. */
  readonly yes: boolean;
  /** A file that is there is put aside. */
  readonly force: boolean;
}

/** There are settings already. */
export class SettingsThere extends Error {
  readonly code = 'settings-there';
}

/** Where the settings are, and where they were put if there were others. */
export interface Written {
  readonly file: string;
  readonly data: string;
  readonly aside: string | undefined;
}

/**
 * Asks what a new node has to know, and writes it down. Gives undefined where there are settings already, which are left as
 * they are. Rejects with `ConfigError` for what cannot be used, with `SettingsThere` where nobody was asked, and with
 * `BrokenOff`; nothing is written then.
 */
export async function setUp(sources: ConfigSources, { yes, force }: SetupOptions): Promise<Written | undefined> {
  const given = (path: SettingPath) => sources.flags[path] ?? sources.env[`ARGUS_${path.toUpperCase()}`];
  const fileOf = (network: string) => sources.file ?? settingsIn(given('data') ?? defaultData(network));
  const refuse = (file: string): undefined => {
    if (yes) throw new SettingsThere(`${file} is there already: --force puts it aside and writes another`);
    return undefined;
  };
  // Where the network says the folder, it may have to be asked for first.
  const early = sources.file ?? given('data') ?? given('network');
  if (early !== undefined && existsSync(fileOf(given('network') ?? '')) && !force)
    return refuse(fileOf(given('network') ?? ''));
  const terminal = yes ? undefined : openTerminal();
  let answers: Record<SettingPath, string>;
  try {
    terminal?.say('What is in brackets is taken by Enter; Ctrl-C ends this, and nothing is written.\n');
    const tell = terminal?.say ?? ((line: string) => void process.stderr.write(`${line}\n`));
    answers = await new Questions(sources, terminal, tell).askAll();
  } finally {
    terminal?.close();
  }
  const flags = { ...sources.flags, ...answers };
  const checked = checkConfig({ file: null, env: sources.env, flags });
  if ('problems' in checked) throw new ConfigError(checked.problems[0]?.message);
  const { network, data } = checked.config;
  const file = fileOf(network);
  if (existsSync(file) && !force) return refuse(file);
  const text = settingsFile(toWrite(flags, file === settingsIn(data)));
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const aside = existsSync(file) ? `${file}.${new Date().toISOString().replaceAll(':', '')}` : undefined;
  if (aside !== undefined) renameSync(file, aside);
  makePrivateFile(file, text);
  return { file, data, aside };
}

/** What stands in the file: what differs from what it is anyway, and the network. A file in the node's folder does not name that. */
function toWrite(flags: ConfigSources['flags'], isInside: boolean): Record<SettingPath, unknown> {
  const set = settings().flatMap(({ path, fallback, isNumber }) => {
    const value = flags[path];
    if (value === undefined || OF_THE_LOG.includes(path) || (path === 'data' && isInside)) return [];
    if (path !== 'network' && value === String(fallback)) return [];
    return [[path, isNumber ? Number(value) : value]];
  });
  return Object.fromEntries(set);
}

/** What the log says from its first day on, and better than any file. */
const OF_THE_LOG: readonly SettingPath[] = ['log.shards', 'log.replicas'];
