import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat, fromHex, toHex } from '../../../events/bytes.js';
import { blobCipher, loadNodeBlobCipher, nobleBlobCipher } from '../../../events/schemes/blob-cipher.js';
import { encryption } from '../../fixtures/teos-vectors.js';
import { pseudoRandom } from '../signing/curves.js';

const nodeBlobCipher = loadNodeBlobCipher();
const ciphers = nodeBlobCipher ? [nobleBlobCipher, nodeBlobCipher] : [nobleBlobCipher];
const key = pseudoRandom('key', 0);

describe('the blob cipher', () => {
  test("is Node's own where it has one", () => {
    assert.equal(blobCipher.name, nodeBlobCipher ? 'node:crypto' : '@noble/ciphers (JavaScript)');
  });

  for (const cipher of ciphers) {
    describe(cipher.name, () => {
      test("opens and seals the generations' vectors", () => {
        const { python, rust } = encryption;
        assert.equal(toHex(cipher.seal(fromHex(python.plaintext), fromHex(python.key))), python.blob);
        assert.deepEqual(cipher.open(fromHex(python.blob), fromHex(python.key)), fromHex(python.plaintext));
        assert.equal(toHex(cipher.seal(fromHex(rust.penalty), fromHex(rust.key))), rust.blob);
        assert.deepEqual(cipher.open(fromHex(rust.blob), fromHex(rust.key)), fromHex(rust.penalty));
      });

      test('another key opens nothing', () => {
        const { python, rust } = encryption;
        assert.equal(cipher.open(fromHex(rust.blob), fromHex(rust.displayKey)), undefined);
        assert.equal(cipher.open(fromHex(rust.blob), fromHex(python.key)), undefined);
      });

      test('one altered byte anywhere, or one fewer or more, opens nothing', () => {
        const blob = cipher.seal(pseudoRandom('plaintext', 0), key);
        assert.equal(blob.length, 48);
        for (let at = 0; at < blob.length; at++) {
          const altered = Uint8Array.from(blob, (byte, n) => (n === at ? byte ^ 1 : byte));
          assert.equal(cipher.open(altered, key), undefined, `byte ${at}`);
        }
        assert.equal(cipher.open(blob.subarray(1), key), undefined);
        assert.equal(cipher.open(blob.subarray(0, -1), key), undefined);
        assert.equal(cipher.open(concat(blob, Uint8Array.of(0)), key), undefined);
      });

      test('an empty plaintext is a tag alone, and the tag counts', () => {
        const blob = cipher.seal(new Uint8Array(0), key);
        assert.equal(blob.length, 16);
        assert.deepEqual(cipher.open(blob, key), new Uint8Array(0));
        assert.equal(cipher.open(new Uint8Array(16), key), undefined);
      });

      test('what is shorter than a tag opens nothing', () => {
        for (let length = 0; length < 16; length++) {
          assert.equal(cipher.open(new Uint8Array(length), key), undefined, `${length} bytes`);
        }
      });

      test('a key that is not 32 bytes is a bug', () => {
        for (const bad of [new Uint8Array(0), key.subarray(1), concat(key, Uint8Array.of(0))]) {
          assert.throws(() => cipher.seal(new Uint8Array(1), bad), RangeError);
          assert.throws(() => cipher.open(new Uint8Array(17), bad), RangeError);
        }
      });

      test('the arguments are left as they were', () => {
        const plaintext = pseudoRandom('plaintext', 1);
        const blob = cipher.seal(plaintext, key);
        assert.deepEqual(plaintext, pseudoRandom('plaintext', 1));
        const before = Uint8Array.from(blob);
        cipher.open(blob, key);
        assert.deepEqual(blob, before);
        assert.deepEqual(key, pseudoRandom('key', 0));
      });
    });
  }

  test('all libraries seal to equal bytes, at many lengths', () => {
    for (let length = 0; length < 300; length += 7) {
      const plaintext = concat(...Array.from({ length: 10 }, (_, n) => pseudoRandom('part', n))).subarray(0, length);
      const itsKey = pseudoRandom('key', length);
      const blobs = ciphers.map((cipher) => toHex(cipher.seal(plaintext, itsKey)));
      assert.equal(new Set(blobs).size, 1, `${length} bytes`);
      for (const cipher of ciphers) assert.deepEqual(cipher.open(fromHex(blobs[0] ?? ''), itsKey), plaintext);
    }
  });
});
