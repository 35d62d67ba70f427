import { hash } from 'node:crypto';

/** Bytes as this code base handles them: `Uint8Array` inside, lower-case hex in JSON, big-endian 32-bit integers on the wire. */

/** The lower-case hex form of `bytes`. */
export const toHex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

/** The bytes of a hex text. Throws a `RangeError` on an odd length or a character that is not hex. */
export function fromHex(hex: string): Uint8Array {
  const bytes = bytesOfHex(hex);
  if (!bytes) throw new RangeError(`not hex: ${hex.slice(0, 20)}`);
  return bytes;
}

/** The bytes of a text that may be hex; undefined if it is not. */
export const bytesOfHex = (text: string): Uint8Array | undefined =>
  isHex(text) ? viewOf(Buffer.from(text, 'hex')) : undefined;

/** The same memory without the methods of a `Buffer`. */
const viewOf = ({ buffer, byteOffset, length }: Buffer): Uint8Array => new Uint8Array(buffer, byteOffset, length);

const HEX = /^[0-9a-fA-F]*$/;

/** Whether `text` is hex of whole bytes, in either case; the empty text is. */
export const isHex = (text: string): boolean => text.length % 2 === 0 && HEX.test(text);

/** `bytes` in the opposite order, as a copy: internal to display order of a txid and back. */
export const reversed = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes).reverse();

/** SHA-256 of `bytes`: 32 bytes. They come as text first: to have Node make a buffer for them takes three times as long. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const text = hash('sha256', bytes, 'binary');
  const out = new Uint8Array(32);
  for (let i = 0; i < out.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

/** The 4-byte unsigned big-endian form of `n`, 0 to 2^32-1. Throws a `RangeError` beyond. */
export function be32(n: number): Uint8Array {
  if (!Number.isInteger(n) || n < 0 || n > 0xffffffff) throw new RangeError(`not a 32-bit unsigned integer: ${n}`);
  return Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n);
}

/** The parts one after another, as one array. */
export function concat(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const UTF8 = new TextEncoder();

/** The bytes of an ASCII (or UTF-8) text. */
export const utf8 = (text: string): Uint8Array => UTF8.encode(text);
