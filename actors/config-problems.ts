import type { z } from 'zod';
import { ConfigError, type SettingPath } from './config-sources.js';

/** What is wrong with a configuration: all of it, so that an operator mends it once. */

/** One thing that is wrong. */
export interface ConfigProblem {
  /** One line: where the value is from, which it is, and why it cannot be used. */
  readonly message: string;
  /** The setting as the file spells it, `bitcoind.url`; undefined where it is not one alone. */
  readonly setting?: SettingPath;
}

/** Each value that is not of the shape that it should be of; `origin` tells where a setting is from. Never empty. */
export function problemsOf(error: z.ZodError, origin: ReadonlyMap<SettingPath, string>): ConfigProblem[] {
  const from = (path: SettingPath) => origin.get(path) ?? 'configuration';
  const problems = error.issues.flatMap((issue): ConfigProblem[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => {
        const path = [...issue.path, key].join('.');
        return { message: `${from(path)}: there is no setting ${spelt(path)}` };
      });
    const setting = issue.path.join('.');
    return [{ message: `${from(setting)}: ${setting}: ${issue.message}`, setting }];
  });
  return problems.length > 0 ? problems : [{ message: 'the configuration is not valid' }];
}

/** A name that may be any text, as part of a line. */
const spelt = (name: string): string => JSON.stringify(name.slice(0, 100)).slice(1, -1);

/** What does not go together, of parts that each throw a `ConfigError` for it. */
export const conflictsOf = (parts: readonly (() => unknown)[]): ConfigProblem[] =>
  parts.flatMap((part) => {
    try {
      part();
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return [{ message: error.message }];
      throw error;
    }
  });
