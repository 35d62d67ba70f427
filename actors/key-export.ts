import { createHash, randomBytes, scrypt } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { z } from 'zod';
import { fromHex, toHex, utf8 } from '../events/bytes.js';
import { TowerId } from '../events/ids.js';
import { parseJsonText } from '../events/json.js';
import { secp256k1 } from '../events/signing/secp256k1.js';
import { secretBytes } from './secret-bytes.js';

/**
 * A tower's key as it travels from one node to another or into a safe, and as a node may keep it: a JSON object, encrypted
 * under a passphrase.
 *
 *   header    format, v, tower_id, kdf (scrypt), n, r, p, salt, cipher (xchacha20poly1305), nonce
 *   key       the 32 bytes of the secret key and the tag, 16 bytes, encrypted; the header is the associated data
 *   checksum  SHA-256 of header and key: tells a damaged file from a wrong passphrase
 *
 * Header, and header with key, count as `JSON.stringify` writes them, in this order. The encryption key is
 * `scrypt(passphrase, salt, n, r, p)`, 32 bytes, of the passphrase in UTF-8 and Unicode's form NFC. Bytes are hex.
 */

export type KeyExportProblem =
  | 'foreign'
  | 'truncated'
  | 'damaged'
  | 'newer'
  | 'too-costly'
  | 'wrong-passphrase'
  | 'other-key';

/** An exported key that cannot be read or opened; the message says why, and quotes nothing of it. */
export class KeyExportError extends Error {
  constructor(
    readonly code: KeyExportProblem,
    message: string,
  ) {
    super(message);
  }
}

/** What an attempt at the passphrase costs: scrypt's parameters (RFC 7914). 128 * n * r bytes are needed at once. */
export interface KdfCost {
  /** A power of two. */
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** 128 MiB, and a quarter of a second. */
const COST: KdfCost = { n: 2 ** 17, r: 8, p: 1 };
/** What a file may ask of whoever opens it: 1 GiB, and some seconds. */
const MAX_BYTES = 2 ** 30;
const MAX_WORK = 2 ** 24;

const SECRET_BYTES = 32;
const FORMAT = 'argus-tower-key';
const VERSION = 1;

const bytes = (n: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * n}}$`));
const count = () => z.number().int().min(1);

/** Any version of the format. */
const Known = z.looseObject({ format: z.literal(FORMAT), v: count() });

const Exported = z.strictObject({
  format: z.literal(FORMAT),
  v: z.literal(VERSION),
  tower_id: TowerId,
  kdf: z.literal('scrypt'),
  n: count().refine((n) => n > 1 && Number.isInteger(Math.log2(n))),
  r: count(),
  p: count(),
  salt: bytes(32),
  cipher: z.literal('xchacha20poly1305'),
  nonce: bytes(24),
  key: bytes(SECRET_BYTES + 16),
  checksum: bytes(32),
});

type Exported = z.infer<typeof Exported>;
type Header = Omit<Exported, 'key' | 'checksum'>;

/** An exported key that was read and is whole; `towerId` is what it says of itself until it is opened. */
export interface SealedKey {
  readonly towerId: TowerId;
  /**
   * The secret key, 32 bytes, which the caller wipes. Rejects with `KeyExportError` `wrong-passphrase` or `other-key`.
   */
  open(passphrase: string): Promise<Uint8Array>;
}

/** The text of a key's export. Throws a `RangeError` on a secret key that is not valid. */
export async function exportKey(secret: Uint8Array, passphrase: string, cost: KdfCost = COST): Promise<string> {
  if (!secp256k1.isValidSecretKey(secret)) throw new RangeError('not a secret key');
  const header: Header = {
    format: FORMAT,
    v: VERSION,
    tower_id: TowerId.parse(toHex(secp256k1.publicKey(secret))),
    kdf: 'scrypt',
    n: cost.n,
    r: cost.r,
    p: cost.p,
    salt: randomBytes(32).toString('hex'),
    cipher: 'xchacha20poly1305',
    nonce: randomBytes(24).toString('hex'),
  };
  const key = toHex(await withCipher(header, passphrase, (cipher) => cipher.encrypt(secret)));
  return `${JSON.stringify({ ...header, key, checksum: checksumOf(header, key) }, null, 2)}\n`;
}

/**
 * Reads a key's export, however its JSON is laid out. Throws a `KeyExportError`; that, and what opening throws, begins with
 * the name of the `file` that the text is from.
 */
export function readKeyExport(text: string, file?: string): SealedKey {
  const named = (error: unknown): unknown =>
    error instanceof KeyExportError && file !== undefined
      ? new KeyExportError(error.code, `${file}: ${error.message}`)
      : error;
  try {
    const { towerId, open } = readExport(text);
    return { towerId, open: (passphrase) => open(passphrase).catch((error) => Promise.reject(named(error))) };
  } catch (error) {
    throw named(error);
  }
}

function readExport(text: string): SealedKey {
  const json = parseJson(text);
  const known = Known.safeParse(json);
  if (!known.success) throw isOurs(json) ? damaged() : foreign();
  if (known.data.v > VERSION)
    throw new KeyExportError(
      'newer',
      `a tower key of format version ${known.data.v}: it takes a newer Argus to read it`,
    );
  const exported = Exported.safeParse(json);
  if (!exported.success) throw damaged();
  const { key, checksum, ...rest } = exported.data;
  const header = inOrder(rest);
  if (checksum !== checksumOf(header, key)) throw damaged();
  const { n, r, p } = header;
  if (128 * n * r > MAX_BYTES || n * r * p > MAX_WORK)
    throw new KeyExportError(
      'too-costly',
      `asks for more memory or time than an exported key may (scrypt with n ${n}, r ${r}, p ${p})`,
    );
  return { towerId: header.tower_id, open: (passphrase) => openKey(header, fromHex(key), passphrase) };
}

async function openKey(header: Header, key: Uint8Array, passphrase: string): Promise<Uint8Array> {
  const secret = await withCipher(header, passphrase, (cipher) => {
    try {
      return cipher.decrypt(key, secretBytes(SECRET_BYTES));
    } catch {
      throw new KeyExportError('wrong-passphrase', 'the passphrase is not the one that it was encrypted with');
    }
  });
  if (secp256k1.isValidSecretKey(secret) && toHex(secp256k1.publicKey(secret)) === header.tower_id) return secret;
  secret.fill(0);
  throw new KeyExportError('other-key', `what is in it is not the key of tower ${header.tower_id}, as it says`);
}

function parseJson(text: string): unknown {
  try {
    return parseJsonText(text.trim());
  } catch {
    const packed = text.replaceAll(/\s/g, '');
    const beginning = `{"format":"${FORMAT}"`;
    if (!packed.startsWith(beginning) && !beginning.startsWith(packed)) throw foreign();
    if (packed.endsWith('}')) throw damaged();
    throw new KeyExportError('truncated', 'an exported tower key that is cut off: copy it again');
  }
}

const isOurs = (json: unknown): boolean => z.looseObject({ format: z.literal(FORMAT) }).safeParse(json).success;
const foreign = () => new KeyExportError('foreign', 'not a tower key as argus key export writes it');
const damaged = () => new KeyExportError('damaged', 'an exported tower key that is damaged: copy it again');

/** The header with its fields in the order in which they are authenticated. */
const inOrder = ({ format, v, tower_id, kdf, n, r, p, salt, cipher, nonce }: Header): Header => ({
  format,
  v,
  tower_id,
  kdf,
  n,
  r,
  p,
  salt,
  cipher,
  nonce,
});

const checksumOf = (header: Header, key: string): string =>
  createHash('sha256')
    .update(JSON.stringify({ ...header, key }))
    .digest('hex');

/** Gives the cipher of a header and a passphrase to `use`, and wipes its key. */
async function withCipher<T>(
  header: Header,
  passphrase: string,
  use: (cipher: ReturnType<typeof xchacha20poly1305>) => T,
): Promise<T> {
  const key = await derive(utf8(passphrase.normalize('NFC')), fromHex(header.salt), header);
  try {
    return use(xchacha20poly1305(key, fromHex(header.nonce), utf8(JSON.stringify(header))));
  } finally {
    key.fill(0);
  }
}

/** 32 bytes by scrypt, in a thread of Node's pool; the passphrase is wiped. */
const derive = (passphrase: Uint8Array, salt: Uint8Array, { n, r, p }: KdfCost): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    scrypt(passphrase, salt, 32, { N: n, r, p, maxmem: 128 * r * (n + p + 2) }, (error, key) => {
      passphrase.fill(0);
      if (error) reject(error);
      else resolve(key);
    });
  });
