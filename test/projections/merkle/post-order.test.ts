import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHex, utf8 } from '../../../events/bytes.js';
import { leafHash, nodeHash } from '../../../events/proofs/merkle.js';
import { hashesOf, placeOf, RightEdge } from '../../../projections/merkle/post-order.js';

const LEAVES = Array.from({ length: 130 }, (_, i) => leafHash(utf8(`${i}`)));

function listOf(size: number): Uint8Array[] {
  const edge = new RightEdge();
  return LEAVES.slice(0, size).flatMap((leaf) => edge.add(leaf));
}

const list = listOf(LEAVES.length);
const hash = (level: number, index: number): Uint8Array =>
  level === 0 ? (LEAVES[index] ?? assert.fail()) : nodeHash(hash(level - 1, 2 * index), hash(level - 1, 2 * index + 1));

test('the list holds every full subtree where it is to be, and nothing else', () => {
  let found = 0;
  for (let level = 0; 2 ** level <= LEAVES.length; level++)
    for (let index = 0; (index + 1) * 2 ** level <= LEAVES.length; index++, found++)
      assert.equal(toHex(list[placeOf(level, index)] ?? assert.fail()), toHex(hash(level, index)));
  assert.equal(found, list.length);
});

test('the list of a tree begins with those of all smaller ones, and goes on from any of them', () => {
  fc.assert(
    fc.property(fc.nat(LEAVES.length), (size) => {
      assert.equal(hashesOf(size), listOf(size).length);
      const edge = new RightEdge(size, (place) => list[place] ?? assert.fail());
      const rest = LEAVES.slice(size).flatMap((leaf) => edge.add(leaf));
      assert.deepEqual(rest.map(toHex), list.slice(hashesOf(size)).map(toHex));
    }),
  );
});

test('places are exact beyond 32 bits', () => {
  assert.equal(hashesOf(2 ** 40), 2 ** 41 - 1);
  assert.equal(placeOf(40, 0), 2 ** 41 - 2);
});
