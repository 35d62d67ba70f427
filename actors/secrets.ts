import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nkeys } from 'nats';
import { fromHex, isHex, toHex } from '../events/bytes.js';
import { TowerId } from '../events/ids.js';
import { signMessage } from '../events/signing/message.js';
import { secp256k1 } from '../events/signing/secp256k1.js';
import { makePrivateFile, replacePrivateFile } from './private-file.js';
import { readSmallFile } from './small-file.js';

/** The secrets of a tower: files that only their owner may read, made on first use, never printed. */

/** The key that the tower signs receipts with. */
export interface TowerKey {
  readonly towerId: TowerId;
  /** LN message signature of the bytes, zbase32. */
  readonly sign: (message: Uint8Array) => string;
  /** Writes the secret key into 32 bytes, which the caller wipes. */
  readonly copySecret: (into: Uint8Array) => void;
}

/** A secret's file is missing, not well formed, readable by others, or in the way of another. */
export class SecretFileError extends Error {
  readonly code = 'secret-file';
}

/** Where a node keeps the tower's key, in its folder. */
export const towerKeyFile = (data: string): string => join(data, 'tower.key');

/** The tower's key in a file of 64 hex digits; made with mode 0600 if there is none. Throws `SecretFileError`. */
export function towerKey(file: string): TowerKey {
  const secret = checkedSecret(
    file,
    readOrMake(file, () => toHex(newSecret())),
  );
  return towerKeyOf(secret);
}

/** The tower's key of a secret key that is valid. */
export const towerKeyOf = (secret: Uint8Array): TowerKey => ({
  towerId: towerIdOf(secret),
  sign: (message) => signMessage(message, secret),
  copySecret: (into) => into.set(secret),
});

/** The tower's secret key, 32 bytes, in a file that must be there; the caller wipes it. Throws `SecretFileError`. */
export function existingTowerSecret(file: string): Uint8Array {
  if (!existsSync(file))
    throw new SecretFileError(`there is no ${file}: argus up makes one, argus key import brings that of another node`);
  return checkedSecret(file, readSecret(file));
}

/** The tower whose key is in a file that must be there. Throws `SecretFileError`. */
export function existingTowerId(file: string): TowerId {
  const secret = existingTowerSecret(file);
  try {
    return towerIdOf(secret);
  } finally {
    secret.fill(0);
  }
}

/**
 * Keeps a tower's secret key in a file with mode 0600; in the place of another only if it is to `replace` it.
 * Throws `SecretFileError` if there is one otherwise.
 */
export function keepTowerSecret(file: string, secret: Uint8Array, { replace = false } = {}): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const write = replace ? replacePrivateFile : makePrivateFile;
  try {
    write(file, `${toHex(secret)}\n`);
  } catch (cause) {
    if (isThere(cause)) throw new SecretFileError(`${file} is there already`, { cause });
    throw cause;
  }
}

const towerIdOf = (secret: Uint8Array): TowerId => TowerId.parse(toHex(secp256k1.publicKey(secret)));

function checkedSecret(file: string, text: string): Uint8Array {
  const secret = isHex(text) ? fromHex(text) : new Uint8Array();
  if (secp256k1.isValidSecretKey(secret)) return secret;
  throw new SecretFileError(`${file} does not hold a tower key (64 hex digits)`);
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
    if (!isThere(error)) throw error;
  }
  return readSecret(file);
}

const isThere = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EEXIST';

function readSecret(file: string): string {
  try {
    const { mode } = statSync(file);
    if ((mode & 0o077) !== 0)
      throw new SecretFileError(`${file} can be read by others (mode ${(mode & 0o777).toString(8)}): chmod 600 it`);
    return readSmallFile(file).trim();
  } catch (cause) {
    if (cause instanceof SecretFileError) throw cause;
    throw new SecretFileError(`${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
