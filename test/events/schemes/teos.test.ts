import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { fromHex, reversed, toHex } from '../../../events/bytes.js';
import { blobCipher } from '../../../events/schemes/blob-cipher.js';
import { teosScheme } from '../../../events/schemes/teos.js';

describe('a TEOS scheme', () => {
  // An order that neither generation uses, to see that the scheme is made of what `read` gives and of nothing else.
  const read = (txidInternal: Uint8Array) => txidInternal.map((byte) => byte ^ 0xff);
  const scheme = teosScheme('teos-display', read);
  const txidInternal = fromHex('00112233445566778899aabbccddeeff'.repeat(2));

  test('has the first half of what is read as its hint', () => {
    assert.equal(scheme.name, 'teos-display');
    assert.equal(toHex(scheme.hint(txidInternal)), 'ffeeddccbbaa99887766554433221100');
    const copied = new Uint8Array(16);
    scheme.copyHint(txidInternal, 0, copied);
    assert.deepEqual(copied, scheme.hint(txidInternal));
  });

  test('has the SHA-256 of what is read as its key', () => {
    const key = createHash('sha256').update(read(txidInternal)).digest();
    assert.deepEqual(scheme.seal(fromHex('aabb'), txidInternal), blobCipher.seal(fromHex('aabb'), key));
  });

  test('opens what it seals, for the same transaction only', () => {
    const blob = scheme.seal(fromHex('aabb'), txidInternal);
    assert.deepEqual(scheme.open(blob, txidInternal), fromHex('aabb'));
    assert.equal(scheme.open(blob, reversed(txidInternal)), undefined);
    assert.equal(scheme.open(blob.subarray(0, 15), txidInternal), undefined);
  });

  test('gives a hint that shares no memory with the txid', () => {
    const itself = teosScheme('teos-internal', (txid) => txid);
    const txid = Uint8Array.from(txidInternal);
    itself.hint(txid).fill(0);
    assert.deepEqual(txid, txidInternal);
  });

  test('a txid that is not 32 bytes is a bug', () => {
    for (const bad of [new Uint8Array(0), txidInternal.subarray(1), new Uint8Array(33)]) {
      assert.throws(() => scheme.hint(bad), RangeError);
      assert.throws(() => scheme.open(new Uint8Array(20), bad), RangeError);
      assert.throws(() => scheme.seal(new Uint8Array(20), bad), RangeError);
    }
  });
});
