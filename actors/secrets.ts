import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { nkeys } from 'nats';
import { fromHex, isHex, toHex } from '../events/bytes.js';
import { TowerId } from '../events/ids.js';
import { signMessage } from '../events/signing/message.js';
import { secp256k1 } from '../events/signing/secp256k1.js';
import { makePrivateFile } from './private-file.js';

/** The secrets of a tower: files that only their owner may read, made on first use, never printed. */

/** The key that the tower signs receipts with. */
export interface TowerKey {
  readonly towerId: TowerId;
  /** LN message signature of the bytes, zbase32. */
  readonly sign: (message: Uint8Array) => string;
}

/** A secret's file is missing, not well formed, or readable by others. */
export class SecretFileError extends Error {
  readonly code = 'secret-file';
}

/** The tower's key in a file of 64 hex digits; made with mode 0600 if there is none. Throws `SecretFileError`. */
export function towerKey(file: string): TowerKey {
  const text = readOrMake(file, () => toHex(newSecret()));
  const secret = isHex(text) ? fromHex(text) : new Uint8Array();
  if (!secp256k1.isValidSecretKey(secret))
    throw new SecretFileError(`${file} does not hold a tower key (64 hex digits)`);
  return {
    towerId: TowerId.parse(toHex(secp256k1.publicKey(secret))),
    sign: (message) => signMessage(message, secret),
  };
}

function newSecret(): Uint8Array {
  for (;;) {
    const secret = new Uint8Array(randomBytes(32));
    if (secp256k1.isValidSecretKey(secret)) return secret;
  }
}

/** The seed (`SU...`) of a NATS user in a file; made if there is none. Throws `SecretFileError`. */
export function natsSeed(file: string): string {
  return checkedSeed(
    file,
    readOrMake(file, () => new TextDecoder().decode(nkeys.createUser().getSeed())),
  );
}

/** The seed in a file that must be there. Throws `SecretFileError`. */
export function existingNatsSeed(file: string): string {
  if (!existsSync(file))
    throw new SecretFileError(`there is no ${file}: copy it from the tower's node, or make it with argus nkeys`);
  return checkedSeed(file, readSecret(file));
}

/** The public nkey (`U...`) of a seed. */
export const publicNkey = (seed: string): string => nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();

function checkedSeed(file: string, seed: string): string {
  try {
    publicNkey(seed);
    return seed;
  } catch (cause) {
    throw new SecretFileError(`${file} does not hold the seed of a NATS user key (SU...)`, { cause });
  }
}

function readOrMake(file: string, make: () => string): string {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    // A key is never overwritten, also not by two nodes that start at once.
    if (!existsSync(file)) makePrivateFile(file, `${make()}\n`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return readSecret(file);
}

function readSecret(file: string): string {
  try {
    const { mode } = statSync(file);
    if ((mode & 0o077) !== 0)
      throw new SecretFileError(`${file} can be read by others (mode ${(mode & 0o777).toString(8)}): chmod 600 it`);
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    if (cause instanceof SecretFileError) throw cause;
    throw new SecretFileError(`${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
