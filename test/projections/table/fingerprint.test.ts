import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { fromHex } from '../../../events/bytes.js';
import { keyedFingerprint } from '../../../projections/table/fingerprint.js';

const bytes = (label: string) => new Uint8Array(createHash('sha256').update(label).digest().subarray(0, 16));
const zero = new Uint8Array(16);

describe('a fingerprint', () => {
  test("is the first 40 bits of Chaskey's published vector for 16 bytes", () => {
    const key = fromHex('33343d839f389f004fe6982339cf7a41');
    const tag = 0x79271ca9 + 0x71 * 2 ** 32; // 79271CA9 D66A1C71 ..., words of four bytes, little-endian
    assert.equal(keyedFingerprint(key)(Uint8Array.from({ length: 16 }, (_, n) => n)), tag);
  });

  test('is 40 bits, the same each time, and others under another key', () => {
    const [one, other] = [keyedFingerprint(bytes('one')), keyedFingerprint(bytes('other'))];
    assert.equal(one(bytes('hint')), keyedFingerprint(bytes('one'))(bytes('hint')));
    assert.notEqual(one(bytes('hint')), other(bytes('hint')));
    for (let n = 0; n < 1_000; n++) {
      const found = one(bytes(`${n}`));
      assert.ok(Number.isSafeInteger(found) && found >= 0 && found < 2 ** 40);
    }
  });

  test('changes about half of its bits with any bit of the bytes, or of the key', () => {
    const count = (a: number, b: number) =>
      differences(a % 2 ** 32, b % 2 ** 32) + differences(a / 2 ** 32, b / 2 ** 32);
    for (const flipped of [0, 1, 31, 32, 63, 64, 95, 96, 127]) {
      let [ofBytes, ofKey] = [0, 0];
      for (let n = 0; n < 500; n++) {
        const [key, hint] = [bytes(`key ${n}`), bytes(`hint ${n}`)];
        const plain = keyedFingerprint(key)(hint);
        ofBytes += count(plain, keyedFingerprint(key)(withFlipped(hint, flipped)));
        ofKey += count(plain, keyedFingerprint(withFlipped(key, flipped))(hint));
      }
      for (const sum of [ofBytes, ofKey]) assert.ok(Math.abs(sum / 500 / 20 - 1) < 0.05, `${flipped}: ${sum / 500}`);
    }
  });

  test('looks at 16 bytes, of a longer text too, under a key of 16 bytes', () => {
    const of = keyedFingerprint(bytes('key'));
    assert.equal(of(new Uint8Array([...bytes('id'), 1, 2, 3, 4])), of(bytes('id')));
    assert.notEqual(of(zero), of(new Uint8Array(16).fill(1, 15)));
    assert.throws(() => keyedFingerprint(new Uint8Array(8)), RangeError);
  });
});

function withFlipped(of: Uint8Array, bit: number): Uint8Array {
  return of.map((byte, n) => (n === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
}

function differences(a: number, b: number): number {
  let rest = (a ^ b) >>> 0;
  let count = 0;
  for (; rest !== 0; rest &= rest - 1) count++;
  return count;
}
