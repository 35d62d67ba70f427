import type { Command } from 'commander';
import type { Config } from '../actors/config.js';
import { exportKey, readKeyExport } from '../actors/key-export.js';
import { removeDrafts } from '../actors/private-file.js';
import { SecretFileError } from '../actors/secret-file.js';
import { existingTowerKey, type KeptKey, keepTowerKey, keepTowerSecret, towerKeyOf } from '../actors/secrets.js';
import { keyFileOf, newKeyPassphrase, passphraseFile, secretIn } from './kept-key.js';
import { addKeyFlags, configOf } from './settings.js';

/** `argus key encrypt` and `decrypt`: how the tower's key lies in the node's folder. */

export function addKeyEncryption(key: Command): void {
  addKeyFlags(key.command('encrypt'))
    .description("encrypt the key in the node's folder under a passphrase, or put another passphrase in place of it")
    .option('--new-passphrase-file <file>', "a file's first line is the new passphrase (- is stdin)")
    .addHelpText('after', `${HELP}\n\nExample:\n  argus key encrypt`)
    .action((_options, command: Command) => encrypt(command));
  addKeyFlags(key.command('decrypt'))
    .description("keep the key in the node's folder as it is, without a passphrase")
    .addHelpText('after', `${HELP}\n\nExample:\n  argus key decrypt`)
    .action((_options, command: Command) => decrypt(command));
}

const HELP = `
The passphrase is the first line of --key-passphrase-file, else it is asked for on the terminal. A running node is not
disturbed: it has its key in memory, and needs the passphrase when it is started the next time.`;

async function encrypt(command: Command): Promise<void> {
  const { newPassphraseFile } = command.opts<{ newPassphraseFile?: string }>();
  const [config, file] = [configOf(command), keyFileOf(command)];
  const kept = existingTowerKey(file);
  const secret = await secretIn(kept, config);
  try {
    const passphrase = await newKeyPassphrase(newPassphraseFile ?? firstPassphrase(kept, config));
    const text = await exportKey(secret, passphrase);
    // What cannot be opened again must not take the place of what can.
    (await readKeyExport(text).open(passphrase)).fill(0);
    removeDrafts(file);
    keepTowerKey(file, text, { replace: true });
    process.stdout.write(
      `The key of tower ${towerKeyOf(secret).towerId} in ${file} is encrypted under the passphrase.\n`,
    );
    if ('secret' in kept)
      process.stdout.write(
        'It was not until now: copies that were made of it, such as a backup of the disk, are not encrypted.\n',
      );
  } finally {
    secret.fill(0);
  }
}

/** Where the first passphrase of a key is, which is the one that the node is to be started with. */
const firstPassphrase = (kept: KeptKey, config: Config): string | undefined =>
  'secret' in kept ? passphraseFile(config) : undefined;

async function decrypt(command: Command): Promise<void> {
  const file = keyFileOf(command);
  const kept = existingTowerKey(file);
  if ('secret' in kept) {
    kept.secret.fill(0);
    throw new SecretFileError(`${file} is not encrypted`);
  }
  const secret = await secretIn(kept, configOf(command));
  try {
    removeDrafts(file);
    keepTowerSecret(file, secret, { replace: true });
  } finally {
    secret.fill(0);
  }
  process.stdout.write(`The key of tower ${kept.sealed.towerId} in ${file} is not encrypted any more.\n`);
}
