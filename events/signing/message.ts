import { hash } from 'node:crypto';
import { concat, toHex, utf8 } from '../bytes.js';
import { type TowerId, UserId } from '../ids.js';
import type { Secp256k1 } from './curve.js';
import { secp256k1 } from './secp256k1.js';
import { decodeZbase32, encodeZbase32 } from './zbase32.js';

/**
 * Lightning's signed messages, as lnd and Core Lightning make them with `signmessage` (teos-protocol A2): every
 * request and every receipt is one. The text is the zbase32 of a 65-byte record: one byte, 31 + recovery id, then
 * r and s of 32 bytes each, big-endian.
 */

const PREFIX = utf8('Lightning Signed Message:');
const FIRST_HEADER = 31;

/** Where the prefix stands, and a message is put behind it: they are hashed by the million, and garbage is time. */
let desk = Buffer.concat([PREFIX, Buffer.alloc(1000)]);
const inner = Buffer.alloc(32);

/** The 32 bytes that are signed in place of a message: SHA256(SHA256("Lightning Signed Message:" || message)); `into`: where to. */
export function messageDigest(message: Uint8Array, into: Uint8Array = new Uint8Array(32)): Uint8Array {
  const size = PREFIX.length + message.length;
  if (desk.length < size) desk = Buffer.concat([PREFIX, Buffer.alloc(2 * size)]);
  desk.set(message, PREFIX.length);
  inner.write(hash('sha256', desk.subarray(0, size), 'binary'), 'latin1');
  const text = hash('sha256', inner, 'binary');
  for (let i = 0; i < into.length; i++) into[i] = text.charCodeAt(i);
  return into;
}

/**
 * The signature of a message: 104 characters of zbase32, the same each time.
 * Throws a `RangeError` on a secret key that is not valid.
 */
export function signMessage(message: Uint8Array, secret: Uint8Array, curve: Secp256k1 = secp256k1): string {
  const { signature, recoveryId } = curve.signRecoverable(messageDigest(message), secret);
  return encodeZbase32(concat(Uint8Array.of(FIRST_HEADER + recoveryId), signature));
}

/**
 * The record within a signature's text: 65 bytes, or `undefined` for a text that is not zbase32 of so many.
 * Whether its header, r and s are valid is for `recoverSigner` to find.
 */
export function signatureRecord(signatureText: string): Uint8Array | undefined {
  const record = decodeZbase32(signatureText);
  return record?.length === 65 ? record : undefined;
}

/**
 * Who signed a message, as a compressed public key in hex, or `undefined` for a signature that is none: not zbase32
 * of 65 bytes, a header outside 31 to 34, or no key to recover (`Secp256k1.recover`). Never throws.
 *
 * Any well-formed signature gives some key for any message, so this proves nothing until the key is compared or found
 * among known users.
 */
export function recoverSigner(
  message: Uint8Array,
  signatureText: string,
  curve: Secp256k1 = secp256k1,
): UserId | undefined {
  const record = signatureRecord(signatureText);
  if (record === undefined) return undefined;
  const [header = 0] = record;
  const key = curve.recover(messageDigest(message), record.subarray(1), header - FIRST_HEADER);
  return key && UserId.parse(toHex(key));
}

/** Whether a message was signed by this user or tower; `false` for anything that is not a signature. Never throws. */
export function signerIs(
  message: Uint8Array,
  signatureText: string,
  id: UserId | TowerId,
  curve: Secp256k1 = secp256k1,
): boolean {
  const signer: string | undefined = recoverSigner(message, signatureText, curve);
  return signer === id;
}
