import { createHash } from 'node:crypto';
import { blobCipher } from './blob-cipher.js';
import type { Scheme, SchemeName } from './scheme.js';

const HINT_BYTES = 16;

/**
 * A scheme of the TEOS family (teos-protocol A1): the hint is the first 16 bytes of the transaction id, the blob's key
 * is the id's SHA-256. The generations differ only in the byte order they read the id in: `read` gives that order's
 * 32 bytes from the internal ones, as a copy. `copyHint` does the same for a hint alone, where that is quicker: a block's
 * transactions are all looked up by it.
 */
export function teosScheme(
  name: SchemeName,
  read: (txidInternal: Uint8Array) => Uint8Array,
  copyHint: Scheme['copyHint'] = (txidsInternal, at, into) =>
    into.set(read(txidsInternal.subarray(at, at + 32)).subarray(0, HINT_BYTES)),
): Scheme {
  const ordered = (txidInternal: Uint8Array) => {
    if (txidInternal.length !== 32) throw new RangeError(`a txid is 32 bytes, not ${txidInternal.length}`);
    return read(txidInternal);
  };
  const keyOf = (txidInternal: Uint8Array) => createHash('sha256').update(ordered(txidInternal)).digest();
  return {
    name,
    hint: (txidInternal) => ordered(txidInternal).slice(0, HINT_BYTES),
    copyHint,
    open: (blob, txidInternal) => blobCipher.open(blob, keyOf(txidInternal)),
    seal: (plaintext, txidInternal) => blobCipher.seal(plaintext, keyOf(txidInternal)),
  };
}
