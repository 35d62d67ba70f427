import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Config, readConfig } from '../../actors/config.js';
import { ConfigError, type ConfigSources } from '../../actors/config-sources.js';
import { tempDir } from './temp-dir.js';

/** A configuration file with this text. */
export function fileOf(t: TestContext, text: string): string {
  const file = join(tempDir(t), 'argus.toml');
  writeFileSync(file, text);
  return file;
}

/** What is read from a file with this text, the environment over it, and the flags over both. */
export const read = (
  t: TestContext,
  text = '',
  env: ConfigSources['env'] = {},
  flags: ConfigSources['flags'] = {},
): Config => readConfig({ file: fileOf(t, text), env, flags });

/** The one line that a configuration is refused with, its file called FILE. */
export function refusal(
  t: TestContext,
  text = '',
  env: ConfigSources['env'] = {},
  flags: ConfigSources['flags'] = {},
): string {
  const file = fileOf(t, text);
  try {
    readConfig({ file, env, flags });
  } catch (error) {
    assert.ok(error instanceof ConfigError && error.code === 'config');
    assert.doesNotMatch(error.message, /\n/);
    return error.message.replace(file, 'FILE');
  }
  return assert.fail('it was taken');
}
