import { createCipheriv, createDecipheriv } from 'node:crypto';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { concat } from '../bytes.js';

/**
 * The cipher of encrypted blobs: ChaCha20-Poly1305 (RFC 8439) with a nonce of 12 zero bytes and no associated data;
 * a blob is the ciphertext, as long as the plaintext, and its 16-byte tag (teos-protocol A2). The zero nonce is safe
 * as far as a key, made of one transaction's id, seals one penalty.
 */
export interface BlobCipher {
  /** Which library does the work, for people to read. */
  readonly name: string;

  /** The blob of a plaintext, 16 bytes longer than it. Throws a `RangeError` on a key that is not 32 bytes. */
  seal(plaintext: Uint8Array, key: Uint8Array): Uint8Array;

  /**
   * The plaintext of a blob, or `undefined` if the blob was not sealed under this key, was altered since, or is shorter
   * than a tag. Throws a `RangeError` on a key that is not 32 bytes.
   */
  open(blob: Uint8Array, key: Uint8Array): Uint8Array | undefined;
}

const NONCE = new Uint8Array(12);
const TAG_BYTES = 16;
const ALGORITHM = 'chacha20-poly1305';
const OPTIONS = { authTagLength: TAG_BYTES };

/** A library's own cipher with key and length checked first; what its `open` throws means that the blob is not ours. */
function guarded(library: BlobCipher): BlobCipher {
  const checkKey = (key: Uint8Array) => {
    if (key.length !== 32) throw new RangeError(`a blob's key is 32 bytes, not ${key.length}`);
  };
  return {
    name: library.name,
    seal(plaintext, key) {
      checkKey(key);
      return library.seal(plaintext, key);
    },
    open(blob, key) {
      checkKey(key);
      if (blob.length < TAG_BYTES) return undefined;
      try {
        return library.open(blob, key);
      } catch {
        return undefined;
      }
    },
  };
}

/** The cipher of `@noble/ciphers`: plain JavaScript, runs everywhere. */
export const nobleBlobCipher: BlobCipher = guarded({
  name: '@noble/ciphers (JavaScript)',
  seal: (plaintext, key) => chacha20poly1305(key, NONCE).encrypt(plaintext),
  open: (blob, key) => chacha20poly1305(key, NONCE).decrypt(blob),
});

/** The cipher of the OpenSSL within Node, or `undefined` in a build or mode of it (FIPS) that has no ChaCha20. */
export function loadNodeBlobCipher(): BlobCipher | undefined {
  try {
    createCipheriv(ALGORITHM, new Uint8Array(32), NONCE, OPTIONS);
  } catch {
    return undefined;
  }
  return guarded({
    name: 'node:crypto',
    seal(plaintext, key) {
      const cipher = createCipheriv(ALGORITHM, key, NONCE, OPTIONS);
      return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
    },
    open(blob, key) {
      const decipher = createDecipheriv(ALGORITHM, key, NONCE, OPTIONS);
      decipher.setAuthTag(blob.subarray(-TAG_BYTES));
      return concat(decipher.update(blob.subarray(0, -TAG_BYTES)), decipher.final());
    },
  });
}

/** The cipher as this process computes it: Node's own where it has it, else noble's. Its `name` says which. */
export const blobCipher: BlobCipher = loadNodeBlobCipher() ?? nobleBlobCipher;
