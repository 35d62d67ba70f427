import { join } from 'node:path';
import { type Config, checkConfig } from '../../actors/config.js';
import { ConfigError, type ConfigSources } from '../../actors/config-sources.js';
import { about, type Finding } from './finding.js';

/** The configuration, if it can be used, and what is to be said of it. */
export interface Examined {
  readonly config: Config | undefined;
  readonly findings: readonly Finding[];
}

const { ok, problem } = about('configuration');

/** Reads the configuration, and names all that is wrong with it. */
export function examineConfig(sources: ConfigSources): Examined {
  try {
    const checked = checkConfig(sources);
    if ('config' in checked) {
      const { config } = checked;
      const file = sources.file ?? join(config.data, 'argus.toml');
      return {
        config,
        findings: [ok(`${config.network}, node ${config.node}; settings from ${file}, if it is there`)],
      };
    }
    const findings = checked.problems.map(({ message, setting }) =>
      problem(
        message,
        setting
          ? `correct ${setting}; docs/configuration.md has what it may be`
          : 'docs/configuration.md has the settings',
      ),
    );
    return { config: undefined, findings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { config: undefined, findings: [problem(error.message, 'correct the file, or name another with --config')] };
  }
}
