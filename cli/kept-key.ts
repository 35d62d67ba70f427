import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../actors/config.js';
import { keysIn, laterKeyFile } from '../actors/key-ring.js';
import { type KeptKey, type TowerKey, towerKeyFile, towerKeyOf } from '../actors/secrets.js';
import type { TowerId } from '../events/ids.js';
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

/** Where the key of an identity is, or that of the log's first. */
export function keyFileOf(command: Command, identity?: TowerId): string {
  const { data } = configOf(command);
  return resolve(identity === undefined ? towerKeyFile(data) : laterKeyFile(data, identity));
}

/** The keys that a node signs with, the first made if there is none and it is not one that must be there. Rejects as `Opener.open` does. */
export async function openTowerKey(
  config: Config,
  opener = new Opener(config),
  { mustBe = false } = {},
): Promise<TowerKey> {
  const [first, ...later] = keysIn(config.data, { mustBe });
  const secret = await opener.open(first.kept);
  const others: Uint8Array[] = [];
  for (const { kept } of later) others.push(await opener.open(kept));
  return towerKeyOf(secret, others);
}

/** Opens the keys of a node, all by one passphrase, which is asked for once if it is needed at all. */
export class Opener {
  #passphrase: Promise<string> | undefined;

  constructor(private readonly config: Config) {}

  /** Rejects with `PassphraseError`, and `InputError` of a file. */
  passphrase(): Promise<string> {
    this.#passphrase ??= knownKeyPassphrase(this.config);
    return this.#passphrase;
  }

  /** The secret key, which the caller wipes. Rejects as `passphrase` does, and with `KeyExportError`. */
  async open(kept: KeptKey): Promise<Uint8Array> {
    return 'secret' in kept ? kept.secret : kept.sealed.open(await this.passphrase());
  }
}

const CREDENTIAL = 'argus-key-passphrase';
const KNOWN: Prompts = { first: "Passphrase of the tower's key: " };
const NEW: Prompts = { first: "New passphrase of the tower's key: ", again: 'Again: ' };

async function knownKeyPassphrase(config: Config): Promise<string> {
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

/** A passphrase to encrypt the key with, from another file if one is given. Rejects as `Opener.passphrase` does. */
export const newKeyPassphrase = (file: string | undefined): Promise<string> => askNew(file, NEW);

/** The file with the key's passphrase, if there is one. */
export function passphraseFile({ key }: Config): string | undefined {
  if (key.passphraseFile !== undefined) return key.passphraseFile;
  const credentials = process.env.CREDENTIALS_DIRECTORY;
  const credential = credentials === undefined ? undefined : join(credentials, CREDENTIAL);
  return credential !== undefined && existsSync(credential) ? credential : undefined;
}
