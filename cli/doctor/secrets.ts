import { existsSync, statSync } from 'node:fs';
import type { Config } from '../../actors/config.js';
import { KeyExportError } from '../../actors/key-export.js';
import { laterIdentities, laterKeyFile } from '../../actors/key-ring.js';
import { SecretFileError } from '../../actors/secret-file.js';
import { existingNatsSeed, existingTowerKey, type KeptKey, towerKeyFile, towerOf } from '../../actors/secrets.js';
import { InputError } from '../input.js';
import { openTowerKey, passphraseFile } from '../kept-key.js';
import { PassphraseError } from '../passphrase.js';
import { about, type Finding, said } from './finding.js';

const { ok, warning, problem } = about('keys');

/** The tower's keys and the seeds for NATS: whether only their owner may read them, and they are what they should be. */
export async function examineSecrets(config: Config): Promise<Finding[]> {
  const { data } = config;
  const keys = [towerKeyFile(data), ...laterIdentities(data).map((identity) => laterKeyFile(data, identity))];
  const isThere = existsSync(keys[0] ?? '');
  return [
    ...folderOf(data),
    ...(isThere
      ? []
      : [ok(`no ${keys[0]} so far: argus up and argus init make one, argus key import brings another's`)]),
    ...keys.filter((file) => existsSync(file)).map((file) => readable(file, () => nameOf(existingTowerKey(file)))),
    ...(isThere ? await examinePassphrase(config) : []),
    ...seedsOf(config),
  ];
}

/** A folder in which others may write is one in which others may put another key in the tower's place. */
function folderOf(data: string): Finding[] {
  const mode = statSync(data, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & 0o022) === 0) return [];
  const text = (mode & 0o777).toString(8);
  return [
    warning(`${data} can be written by others (mode ${text}), who may put another key there`, `chmod 700 ${data}`),
  ];
}

function nameOf(kept: KeptKey): string {
  const isSealed = 'sealed' in kept;
  return `the key of tower ${towerOf(kept)}${isSealed ? ', encrypted' : ''}`;
}

function readable(file: string, name: () => string): Finding {
  try {
    return ok(`${name()}, in ${file}`);
  } catch (error) {
    if (error instanceof SecretFileError)
      return problem(error.message.replace(`: ${error.cure}`, ''), error.cure ?? `bring a copy of ${file}`);
    if (error instanceof KeyExportError)
      return problem(error.message, `bring a copy of ${file}: argus key import --force`);
    throw error;
  }
}

/** The passphrase is tried where it is in a file; at a terminal it is asked for at the start. */
async function examinePassphrase(config: Config): Promise<Finding[]> {
  const file = passphraseFile(config);
  try {
    if (!('sealed' in existingTowerKey(towerKeyFile(config.data)))) return [];
    if (file === undefined)
      return [
        warning(
          'the key is encrypted, and no file has its passphrase: argus up asks for it at a terminal, and ends where there is none',
          'key.passphrase_file = "..." in argus.toml, for a node that is started by a service',
        ),
      ];
    (await openTowerKey(config)).wipe();
    return [ok(`the passphrase in ${file} opens it`)];
  } catch (error) {
    if (error instanceof SecretFileError) return []; // that was said of its file
    if (error instanceof KeyExportError || error instanceof PassphraseError || error instanceof InputError)
      return [problem(said(error), `the key's passphrase as the first line of ${file}`)];
    throw error;
  }
}

/** A server of the node's own lets in whom its seeds say, which are made when they are not there; another wants that of its nodes. */
function seedsOf({ nats }: Config): Finding[] {
  const files = [...new Set([nats.nodeNkeyFile, nats.operatorNkeyFile, nats.auditorNkeyFile])];
  const seeds = files.filter((file) => existsSync(file) || (nats.url !== undefined && file === nats.nodeNkeyFile));
  return seeds.map((file) => readable(file, () => seedName(file)));
}

function seedName(file: string): string {
  existingNatsSeed(file);
  return 'a seed for NATS';
}
