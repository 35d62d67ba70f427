import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FingerprintIndex } from '../../../projections/table/fingerprint-index.js';

/** Fingerprints of 40 bits that often agree in their lower bits, and sometimes in all. */
const fingerprint = fc.oneof(
  fc.nat({ max: 5 }),
  fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 2 ** 30 })).map(([low, high]) => low + 256 * high),
  fc.maxSafeNat().map((n) => n % 2 ** 40),
);

describe('the index of fingerprints', () => {
  test('finds what was added and not removed, the oldest first, while it grows and shrinks', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fingerprint, fc.boolean()), { maxLength: 2_000 }), (deeds) => {
        const index = new FingerprintIndex();
        const plain = new Map<number, number[]>();
        const all = new Set<number>();
        for (const [wanted, adds] of deeds) {
          const known = plain.get(wanted) ?? [];
          assert.deepEqual(index.find(wanted), known);
          if (adds || known.length === 0) {
            const entry = index.add(wanted);
            assert.ok(!all.has(entry));
            all.add(entry);
            plain.set(wanted, [...known, entry]);
          } else {
            const [entry = -1] = known.splice(known.length >> 1, 1);
            index.remove(entry);
            assert.deepEqual(index.find(wanted), known);
            index.giveBack(entry);
            all.delete(entry);
          }
          assert.equal(index.size, all.size);
        }
        for (const [wanted, entries] of plain) assert.deepEqual(index.find(wanted), entries);
        const asked = [...plain.keys(), 2 ** 40 - 1, ...plain.keys()];
        const found: number[][] = asked.map(() => []);
        index.findAll(Float64Array.from(asked), (which, entry) => found[which]?.push(entry));
        assert.deepEqual(
          found,
          asked.map((wanted) => index.find(wanted)),
        );
      }),
      { numRuns: 100 },
    );
  });

  test('finds each of a hundred thousand', () => {
    const index = new FingerprintIndex();
    const of = (n: number) => (n * 0x9e37_79b9_7f) % 2 ** 40;
    for (let n = 0; n < 100_000; n++) assert.equal(index.add(of(n)), n);
    for (let n = 0; n < 100_000; n++) assert.deepEqual(index.find(of(n)), [n]);
    for (let n = 0; n < 100_000; n += 2) index.remove(n);
    for (let n = 0; n < 100_000; n++) assert.equal(index.find(of(n)).length, n % 2);
  });

  test('gives out again only what was given back', () => {
    const index = new FingerprintIndex();
    assert.deepEqual([index.add(1), index.add(1), index.add(2)], [0, 1, 2]);
    index.remove(1);
    assert.equal(index.add(3), 3, 'entry 1 is still taken');
    index.remove(2);
    for (const entry of [1, 2]) index.giveBack(entry);
    assert.deepEqual([index.add(4), index.add(5), index.add(6)].sort(), [1, 2, 4]);
    assert.deepEqual([index.find(1), index.find(2), index.find(3)], [[0], [], [3]]);
  });
});
