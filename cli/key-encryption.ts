import type { Command } from 'commander';
import { exportKey, KeyExportError, readKeyExport } from '../actors/key-export.js';
import { keysIn, type RingKey } from '../actors/key-ring.js';
import { removeDrafts } from '../actors/private-file.js';
import { SecretFileError } from '../actors/secret-file.js';
import { type KeptKey, keepTowerKey, keepTowerSecret, towerKeyOf } from '../actors/secrets.js';
import { newKeyPassphrase, Opener, passphraseFile } from './kept-key.js';
import { addKeyFlags, configOf } from './settings.js';

/** `argus key encrypt` and `decrypt`: how the tower's keys lie in the node's folder. */

export function addKeyEncryption(key: Command): void {
  addKeyFlags(key.command('encrypt'))
    .description("encrypt the keys in the node's folder under a passphrase, or put another passphrase in place of it")
    .option('--new-passphrase-file <file>', "a file's first line is the new passphrase (- is stdin)")
    .addHelpText('after', `${HELP}\n\nExample:\n  argus key encrypt`)
    .action((_options, command: Command) => encrypt(command));
  addKeyFlags(key.command('decrypt'))
    .description("keep the keys in the node's folder as they are, without a passphrase")
    .addHelpText('after', `${HELP}\n\nExample:\n  argus key decrypt`)
    .action((_options, command: Command) => decrypt(command));
}

const HELP = `
The passphrase is the first line of --key-passphrase-file, else it is asked for on the terminal. A running node is not
disturbed: it has its keys in memory, and needs the passphrase when it is started the next time.`;

async function encrypt(command: Command): Promise<void> {
  const { newPassphraseFile } = command.opts<{ newPassphraseFile?: string }>();
  const config = configOf(command);
  const keys = keysIn(config.data, { mustBe: true });
  const opener = new Opener(config);
  const areSealed = keys.some(({ kept }) => 'sealed' in kept);
  if (areSealed) await opener.passphrase();
  const passphrase = await newKeyPassphrase(newPassphraseFile ?? (areSealed ? undefined : passphraseFile(config)));
  const opened = [];
  for (const key of keys) opened.push({ ...key, secret: await openedBy(key.kept, opener, passphrase) });
  try {
    for (const key of opened) await seal(key, passphrase);
  } finally {
    for (const { secret } of opened) secret.fill(0);
  }
}

/** Also what an attempt has put under the new passphrase already that was killed before it came to the others. */
async function openedBy(kept: KeptKey, opener: Opener, passphrase: string): Promise<Uint8Array> {
  try {
    return await opener.open(kept);
  } catch (error) {
    const isOther = error instanceof KeyExportError && error.code === 'wrong-passphrase' && 'sealed' in kept;
    if (!isOther) throw error;
    return kept.sealed.open(passphrase).catch(() => Promise.reject(error));
  }
}

async function seal({ file, kept, secret }: RingKey & { secret: Uint8Array }, passphrase: string): Promise<void> {
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
}

async function decrypt(command: Command): Promise<void> {
  const config = configOf(command);
  const keys = keysIn(config.data, { mustBe: true });
  if (!keys.some(({ kept }) => 'sealed' in kept)) {
    for (const { kept } of keys) if ('secret' in kept) kept.secret.fill(0);
    throw new SecretFileError(`${keys[0].file} is not encrypted`);
  }
  const opener = new Opener(config);
  for (const { file, kept } of keys) {
    const secret = await opener.open(kept);
    try {
      removeDrafts(file);
      if ('sealed' in kept) keepTowerSecret(file, secret, { replace: true });
      process.stdout.write(`The key of tower ${towerKeyOf(secret).towerId} in ${file} is not encrypted any more.\n`);
    } finally {
      secret.fill(0);
    }
  }
}
