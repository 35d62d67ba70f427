import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nkeys } from 'nats';
import { toHex } from '../events/bytes.js';
import { TowerId } from '../events/ids.js';
import { signMessage } from '../events/signing/message.js';
import { secp256k1 } from '../events/signing/secp256k1.js';
import { readKeyExport, type SealedKey } from './key-export.js';
import { makePrivateFile, replacePrivateFile } from './private-file.js';
import { digitsOf, secretBytes, secretOf } from './secret-bytes.js';
import { isThere, readOrMakeSecretFile, readSecretFile, SecretFileError } from './secret-file.js';

/** The secrets of a tower: files that only their owner may read, made on first use, never printed. */

/** The keys that the tower signs with: that of the identity which its log is called by, and those of later ones. */
export interface TowerKey {
  /** The log's first identity. */
  readonly towerId: TowerId;
  /** All that there are keys of, that one first. In which order they follow is for the log to say. */
  readonly identities: readonly TowerId[];
  /** LN message signature of the bytes, zbase32, by the first identity unless told. Throws once the key is wiped. */
  readonly sign: (message: Uint8Array, identity?: TowerId) => string;
  /** Writes a secret key, the first identity's unless told, into 32 bytes, which the caller wipes. */
  readonly copySecret: (into: Uint8Array, identity?: TowerId) => void;
  /** Overwrites it in memory: nothing is signed with it any more. */
  readonly wipe: () => void;
}

/** What a tower's key file holds: the secret key, which the caller wipes, or one that a passphrase opens. */
export type KeptKey = { readonly secret: Uint8Array } | { readonly sealed: SealedKey };

/** Where a node keeps the tower's key, in its folder. */
export const towerKeyFile = (data: string): string => join(data, 'tower.key');

/**
 * The tower's key in a file of 64 hex digits; made with mode 0600 if there is none. Throws `SecretFileError`, also if the
 * key is encrypted, and `KeyExportError` if it is and is damaged.
 */
export function towerKey(file: string): TowerKey {
  const kept = keptTowerKey(file);
  if ('secret' in kept) return towerKeyOf(kept.secret);
  throw new SecretFileError(`${file} is encrypted: it takes a passphrase to open it`);
}

/**
 * The tower's key of secret keys that are valid, those of later identities in any order; whoever wipes the one wipes the others.
 * What asks for an identity that there is no key of throws a `RangeError`.
 */
export function towerKeyOf(secret: Uint8Array, later: readonly Uint8Array[] = []): TowerKey {
  const secrets = new Map([secret, ...later].map((one) => [towerIdOf(one), one]));
  const towerId = towerIdOf(secret);
  const of = (identity: TowerId) => {
    const found = secrets.get(identity);
    if (!found) throw new RangeError(`there is no key of identity ${identity}`);
    return found;
  };
  return {
    towerId,
    identities: [...secrets.keys()],
    sign: (message, identity = towerId) => signMessage(message, of(identity)),
    copySecret: (into, identity = towerId) => into.set(of(identity)),
    wipe() {
      for (const one of secrets.values()) one.fill(0);
    },
  };
}

/** What is in a tower's key file, which is made if there is none. Throws `SecretFileError` and `KeyExportError`. */
export const keptTowerKey = (file: string): KeptKey => keptIn(file, readOrMakeSecretFile(file, newDigits));

/** What is in a tower's key file that must be there. Throws `SecretFileError` and `KeyExportError`. */
export function existingTowerKey(file: string): KeptKey {
  if (!existsSync(file))
    throw new SecretFileError(`there is no ${file}: argus up makes one, argus key import brings that of another node`);
  return keptIn(file, readSecretFile(file));
}

/** The tower whose key is kept, also if that is encrypted; wipes it. */
export function towerOf(kept: KeptKey): TowerId {
  if ('sealed' in kept) return kept.sealed.towerId;
  const towerId = towerIdOf(kept.secret);
  kept.secret.fill(0);
  return towerId;
}

/**
 * Keeps a tower's secret key in a file with mode 0600; in the place of another only if it is to `replace` it.
 * Throws `SecretFileError` if there is one otherwise.
 */
export function keepTowerSecret(file: string, secret: Uint8Array, options: { readonly replace?: boolean } = {}): void {
  const digits = digitsOf(secret);
  try {
    keepTowerKey(file, digits, options);
  } finally {
    digits.fill(0);
  }
}

/** The same of a key as it is to be written: digits, or the text of one that is encrypted. */
export function keepTowerKey(file: string, key: Uint8Array | string, { replace = false } = {}): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const write = replace ? replacePrivateFile : makePrivateFile;
  try {
    write(file, key);
  } catch (cause) {
    if (isThere(cause)) throw new SecretFileError(`${file} is there already`, { cause });
    throw cause;
  }
}

const towerIdOf = (secret: Uint8Array): TowerId => TowerId.parse(toHex(secp256k1.publicKey(secret)));

const BRACE = 0x7b;

/** Reads what is in a key file, and wipes it. */
function keptIn(file: string, bytes: Uint8Array): KeptKey {
  if (bytes[0] === BRACE) return { sealed: readKeyExport(new TextDecoder().decode(bytes), file) };
  const secret = secretOf(bytes);
  bytes.fill(0);
  if (secret && secp256k1.isValidSecretKey(secret)) return { secret };
  secret?.fill(0);
  throw new SecretFileError(`${file} does not hold a tower key (64 hex digits, or what argus key encrypt writes)`);
}

function newDigits(): Uint8Array {
  const secret = newTowerSecret();
  const digits = digitsOf(secret);
  secret.fill(0);
  return digits;
}

/** A new secret key, which the caller wipes. */
export function newTowerSecret(): Uint8Array {
  const secret = secretBytes(32);
  do crypto.getRandomValues(secret);
  while (!secp256k1.isValidSecretKey(secret));
  return secret;
}

/** The seed (`SU...`) of a NATS user in a file; made if there is none. Throws `SecretFileError`. */
export function natsSeed(file: string): string {
  return checkedSeed(
    file,
    readOrMakeSecretFile(file, () => withNewline(nkeys.createUser().getSeed())),
  );
}

/** The seed in a file that must be there. Throws `SecretFileError`. */
export function existingNatsSeed(file: string): string {
  if (!existsSync(file))
    throw new SecretFileError(`there is no ${file}: copy it from the tower's node, or make it with argus nkeys`);
  return checkedSeed(file, readSecretFile(file));
}

/** The public nkey (`U...`) of a seed. */
export const publicNkey = (seed: string): string => nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();

const withNewline = (seed: Uint8Array): Uint8Array => Uint8Array.of(...seed, 10);

function checkedSeed(file: string, bytes: Uint8Array): string {
  const seed = new TextDecoder().decode(bytes);
  try {
    publicNkey(seed);
    return seed;
  } catch (cause) {
    throw new SecretFileError(`${file} does not hold the seed of a NATS user key (SU...)`, { cause });
  } finally {
    bytes.fill(0);
  }
}
