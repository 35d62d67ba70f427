import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fromHex, sha256, toHex, utf8 } from '../../../events/bytes.js';
import {
  consistencyProof,
  inclusionProof,
  leafHash,
  nodeHash,
  rootOf,
  type Subtrees,
  verifyConsistency,
  verifyInclusion,
} from '../../../events/proofs/merkle.js';

/** The tree of Certificate Transparency's reference tests: `merkle_tree_test.cc`, and the same in most implementations. */
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  (hex) => leafHash(fromHex(hex)),
);
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
/** Index, size, proof: as there, but that indices begin with 0. */
const INCLUSIONS: [number, number, string[]][] = [
  [0, 1, []],
  [
    0,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    5,
    8,
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
  [
    1,
    5,
    [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
];
const CONSISTENCIES: [number, number, string[]][] = [
  [1, 1, []],
  [
    1,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    6,
    8,
    [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [
    2,
    5,
    [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
];

/** The subtrees of a list of leaves, hashed anew each time: the definition itself. */
function subtreesOf(leaves: readonly Uint8Array[]): Subtrees {
  const hash = (level: number, index: number): Uint8Array =>
    level === 0
      ? (leaves[index] ?? assert.fail(`leaf ${index} is not there yet`))
      : nodeHash(hash(level - 1, 2 * index), hash(level - 1, 2 * index + 1));
  return hash;
}

const subtrees = subtreesOf(LEAVES);
const hexes = (proof: readonly Uint8Array[]) => proof.map(toHex);
const head = (size: number, of: Subtrees = subtrees) => ({ size, root: rootOf(size, of) });

describe("the reference tree's", () => {
  test('roots', () => {
    for (const [size, root] of ROOTS.entries()) assert.equal(toHex(rootOf(size, subtrees)), root);
  });

  test('inclusion proofs', () => {
    for (const [index, size, proof] of INCLUSIONS) {
      assert.deepEqual(hexes(inclusionProof(index, size, subtrees)), proof);
      const leaf = LEAVES[index] ?? assert.fail();
      assert.ok(verifyInclusion(leaf, index, { size, root: fromHex(ROOTS[size] ?? '') }, proof.map(fromHex)));
    }
  });

  test('consistency proofs', () => {
    for (const [from, to, proof] of CONSISTENCIES) {
      assert.deepEqual(hexes(consistencyProof(from, to, subtrees)), proof);
      assert.ok(verifyConsistency(head(from), head(to), proof.map(fromHex)));
    }
  });
});

test('there is no proof of a leaf that is not there, nor from a tree that is empty or larger', () => {
  for (const [index, size] of [
    [0, 0],
    [8, 8],
    [-1, 8],
  ] as const)
    assert.throws(() => inclusionProof(index, size, subtrees), RangeError);
  for (const [from, to] of [
    [0, 8],
    [8, 7],
  ] as const)
    assert.throws(() => consistencyProof(from, to, subtrees), RangeError);
});

const MANY = Array.from({ length: 300 }, (_, i) => leafHash(utf8(`leaf ${i}`)));
const many = subtreesOf(MANY);
const size = fc.integer({ min: 1, max: MANY.length });

/** Every way of changing a proof a little. */
function* changed(proof: readonly Uint8Array[]): Generator<Uint8Array[]> {
  const other = sha256(utf8('another'));
  yield [...proof, other];
  yield [other, ...proof];
  if (proof.length > 0) yield proof.slice(1);
  if (proof.length > 0) yield proof.slice(0, -1);
  for (const i of proof.keys()) yield proof.map((hash, at) => (at === i ? other : hash));
}

test('an inclusion proof proves its leaf, and nothing else', () => {
  fc.assert(
    fc.property(size, fc.nat(), fc.nat(), (size, a, b) => {
      const [index, other] = [a % size, b % size];
      const leaf = MANY[index] ?? assert.fail();
      const tree = head(size, many);
      const proof = inclusionProof(index, size, many);
      assert.ok(verifyInclusion(leaf, index, tree, proof));
      if (other !== index) assert.ok(!verifyInclusion(leaf, other, tree, proof));
      assert.ok(!verifyInclusion(sha256(leaf), index, tree, proof));
      assert.ok(!verifyInclusion(leaf, index, { ...tree, root: leafHash(tree.root) }, proof));
      for (const wrong of changed(proof)) assert.ok(!verifyInclusion(leaf, index, tree, wrong));
    }),
  );
});

test('a consistency proof proves that a tree begins with another, and nothing else', () => {
  fc.assert(
    fc.property(size, size, (one, other) => {
      const [from, to] = [Math.min(one, other), Math.max(one, other)];
      const [older, newer] = [head(from, many), head(to, many)];
      const proof = consistencyProof(from, to, many);
      assert.ok(verifyConsistency(older, newer, proof));
      const forged = leafHash(older.root);
      assert.ok(!verifyConsistency({ ...older, root: forged }, newer, proof));
      assert.ok(!verifyConsistency(older, { ...newer, root: forged }, proof));
      if (from < to) assert.ok(!verifyConsistency(newer, older, proof));
      for (const wrong of changed(proof)) assert.ok(!verifyConsistency(older, newer, wrong));
    }),
  );
});

test('no numbers make a verification throw', () => {
  const strange = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.constantFrom(2 ** 53, -1, Number.NaN, Number.POSITIVE_INFINITY),
  );
  fc.assert(
    fc.property(strange, strange, (a, b) => {
      const [root = assert.fail()] = MANY;
      const proof = [root, root];
      assert.equal(verifyInclusion(root, a, { size: b, root: sha256(root) }, proof), false);
      assert.equal(verifyConsistency({ size: a, root: sha256(root) }, { size: b, root }, proof), false);
    }),
  );
});
