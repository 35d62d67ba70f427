import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../actors/config.js';
import { type KeptKey, keptTowerKey, type TowerKey, towerKeyFile, towerKeyOf } from '../actors/secrets.js';
import { askKnown, askNew, PassphraseError, type Prompts } from './passphrase.js';
import { configOf } from './settings.js';

/**
 * The tower's key in the node's folder, which may be encrypted. Its passphrase is taken from
 *
 *   --key-passphrase-file > ARGUS_KEY_PASSPHRASE_FILE > key.passphrase_file in the file of settings
 *     > the credential `argus-key-passphrase` that systemd hands to the service > the terminal, without echo
 *
 * and from no environment variable, which others may read for as long as the process runs.
 */

/** Where the tower's key is. */
export const keyFileOf = (command: Command): string => resolve(towerKeyFile(configOf(command).data));

/** The key that a node signs with, made if there is none. Rejects as `knownKeyPassphrase` does. */
export async function openTowerKey(config: Config): Promise<TowerKey> {
  return towerKeyOf(await secretIn(keptTowerKey(towerKeyFile(config.data)), config));
}

/** The secret key, which the caller wipes. Rejects as `knownKeyPassphrase` does, and with `KeyExportError`. */
export const secretIn = async (kept: KeptKey, config: Config): Promise<Uint8Array> =>
  'secret' in kept ? kept.secret : kept.sealed.open(await knownKeyPassphrase(config));

const CREDENTIAL = 'argus-key-passphrase';
const KNOWN: Prompts = { first: "Passphrase of the tower's key: " };
const NEW: Prompts = { first: "New passphrase of the tower's key: ", again: 'Again: ' };

/** The passphrase that the key is encrypted with. Rejects with `PassphraseError`, and `InputError` of a file. */
export async function knownKeyPassphrase(config: Config): Promise<string> {
  const file = passphraseFile(config);
  try {
    return await askKnown(file, KNOWN);
  } catch (error) {
    if (!(error instanceof PassphraseError) || file !== undefined) throw error;
    const where = towerKeyFile(config.data);
    throw new PassphraseError(`${where} is encrypted, and ${error.message}: give --key-passphrase-file`, {
      cause: error,
    });
  }
}

/** A passphrase to encrypt the key with, from another file if one is given. Rejects as `knownKeyPassphrase` does. */
export const newKeyPassphrase = (file: string | undefined): Promise<string> => askNew(file, NEW);

/** The file with the key's passphrase, if there is one. */
export function passphraseFile({ key }: Config): string | undefined {
  if (key.passphraseFile !== undefined) return key.passphraseFile;
  const credentials = process.env.CREDENTIALS_DIRECTORY;
  const credential = credentials === undefined ? undefined : join(credentials, CREDENTIAL);
  return credential !== undefined && existsSync(credential) ? credential : undefined;
}
