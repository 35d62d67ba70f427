import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateFile } from '../private-file.js';
import { readSecretFile, SecretFileError } from '../secret-file.js';

/** An onion service's key as tor writes it: `ED25519-V3:` and 64 bytes in base64. Whoever has it has the address. */
const KEY = /^ED25519-V3:[A-Za-z0-9+/]{86}==$/;

/** Where a node keeps it, in its folder. */
export const onionKeyFile = (data: string): string => join(data, 'onion.key');

/** The key in a file, mode 0600; undefined if there is none. Throws `SecretFileError`. */
export function onionKey(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  const bytes = readSecretFile(file);
  const text = new TextDecoder().decode(bytes);
  bytes.fill(0);
  if (KEY.test(text)) return text;
  throw new SecretFileError(`${file} does not hold the key of an onion service (ED25519-V3:...)`);
}

/** Keeps a new one. Throws `SecretFileError` if it is none, and the system's error if there is one already. */
export function keepOnionKey(file: string, key: string): void {
  if (!KEY.test(key)) throw new SecretFileError('tor gave a key that is none');
  makePrivateFile(file, `${key}\n`);
}
