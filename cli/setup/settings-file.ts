import { stringify } from 'smol-toml';
import { z } from 'zod';
import { Settings } from '../../actors/config.js';
import type { SettingPath } from '../../actors/config-sources.js';
import { version } from '../../actors/version.js';
import { WORDS, type Words } from './words.js';

/**
 * The text of a configuration file: every setting there is, in the order of the schema that checks them, with a line of what it
 * is. What is `set` stands there; of all else the default, or an example where there is none, behind a `#`.
 */
export function settingsFile(set: Readonly<Record<SettingPath, unknown>>): string {
  const lines = settings().map(({ path, section, key, fallback }) => {
    const { what, like } = words[path] ?? { what: '' };
    const value = fallback ?? like;
    const line = path in set ? assignment(key, set[path]) : `#${assignment(key, value)}`;
    const note = fallback === undefined && !(path in set) ? `${what} (an example)` : what;
    return { section, text: `# ${note}\n${line}\n` };
  });
  const sections = [...new Set(lines.map(({ section }) => section))];
  const texts = sections.map((section) => {
    const own = lines.filter((line) => line.section === section).map(({ text }) => text);
    return [...(section === '' ? [] : [`\n[${section}]\n`]), ...own].join('\n');
  });
  return `${HEAD}\n${texts.join('')}`;
}

const HEAD = `# The settings of a node of Argus, a Lightning watchtower; written by argus init ${version}.
#
# A line that begins with # says nothing to the node: it has a default, or an example. Take the # away to change it.
# Flags and variables of the environment (ARGUS_BITCOIND_URL) win over this file. docs/configuration.md tells more of each.
# After a change: argus doctor, and start the node anew.
`;

const words: Readonly<Record<string, Words>> = WORDS;

interface Setting {
  readonly path: SettingPath;
  /** The table of the file that it is in; none for ''. */
  readonly section: string;
  readonly key: string;
  /** What it is unless it is set; undefined where it is nothing then. */
  readonly fallback: unknown;
  readonly isNumber: boolean;
}

/** Every setting that a configuration may have, those of no section first. */
export function settings(): Setting[] {
  return Object.entries(Settings.shape).flatMap(([name, field]): Setting[] => {
    const inside = field instanceof z.ZodPrefault ? field.def.innerType : field;
    if (!(inside instanceof z.ZodObject)) return [settingOf('', name, field)];
    return Object.entries(inside.shape).map(([key, value]) => settingOf(name, key, value));
  });
}

function settingOf(section: string, key: string, field: unknown): Setting {
  const path = section === '' ? key : `${section}.${key}`;
  // As the file would spell it.
  const fallback = field instanceof z.ZodDefault || field instanceof z.ZodPrefault ? field.def.defaultValue : undefined;
  const isNumber = [fallback, words[path]?.like].some((value) => typeof value === 'number');
  return { path, section, key, fallback, isNumber };
}

const assignment = (key: string, value: unknown): string => stringify({ [key]: value }).trimEnd();
