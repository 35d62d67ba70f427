import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { TreeFile } from '../../../actors/notary/tree-file.js';
import { toHex, utf8 } from '../../../events/bytes.js';
import { inclusionProof, leafHash, rootOf, verifyInclusion } from '../../../events/proofs/merkle.js';
import { RightEdge } from '../../../projections/merkle/post-order.js';
import { type Cleanup, tempDir } from '../../support/temp-dir.js';

const leaf = (index: number) => leafHash(utf8(`message ${index + 1}`));

function add(file: TreeFile, count: number): void {
  for (let i = 0; i < count; i++) file.append(leaf(file.size));
}

const rootIn = (file: TreeFile, size: number) => toHex(rootOf(size, file.subtrees));

/** The roots of all trees up to a size, of the list of hashes alone. */
function roots(most: number): string[] {
  const edge = new RightEdge();
  const list: Uint8Array[] = [];
  const hashes = new Map<string, Uint8Array>();
  return Array.from({ length: most }, (_, i) => {
    for (const [level, hash] of edge.add(leaf(i)).entries()) {
      hashes.set(`${level}/${(i + 1) / 2 ** level - 1}`, hash);
      list.push(hash);
    }
    return toHex(rootOf(i + 1, (level, index) => hashes.get(`${level}/${index}`) ?? assert.fail()));
  });
}

const fileIn = (t: Cleanup) => join(tempDir(t), 'trees', 'shard-0.hashes');

test('every root and proof of what it holds comes out of the file, be it written or not', (t) => {
  const file = new TreeFile(fileIn(t));
  const expected = roots(3000);
  for (const some of [1, 2, 60, 1000, 1937]) {
    add(file, some);
    const { size } = file;
    assert.equal(rootIn(file, size), expected[size - 1]);
    for (const index of [0, size - 1, Math.floor(size / 3)]) {
      const tree = { size, root: rootOf(size, file.subtrees) };
      assert.ok(verifyInclusion(leaf(index), index, tree, inclusionProof(index, size, file.subtrees)));
    }
  }
  for (const size of [1, 7, 512, 2999]) assert.equal(rootIn(file, size), expected[size - 1]);
  assert.throws(() => rootIn(file, 3001), RangeError);
});

describe('opened again', () => {
  const kept = (t: Cleanup) => {
    const path = fileIn(t);
    const file = new TreeFile(path);
    add(file, 700);
    file.keep();
    add(file, 80);
    assert.deepEqual([file.size, file.kept], [780, 700]);
    return { path, file };
  };

  test('it goes on with what is kept, whatever else a crash left', (t) => {
    const { path, file } = kept(t);
    file.subtrees(0, 779); // which writes it
    for (const left of [
      readFileSync(path),
      readFileSync(path).fill(0, 32 * 1400),
      readFileSync(path).subarray(0, -7),
    ]) {
      writeFileSync(path, left);
      const again = new TreeFile(path);
      assert.equal(again.size, 700);
      add(again, 100);
      assert.equal(rootIn(again, 800), roots(800)[799]);
    }
  });

  test('it begins anew where what is kept is not what it was', (t) => {
    for (const spoil of [
      (path: string) => truncateSync(path, 32 * 1000),
      (path: string) => writeFileSync(path, readFileSync(path).fill(0, 32 * 1020, 32 * 1024)),
      (path: string) => writeFileSync(`${path}.kept`, '{"v":1,"size":700,"ro'),
      (path: string) => writeFileSync(`${path}.kept`, JSON.stringify({ v: 1, size: 700, root: toHex(leaf(1)) })),
    ]) {
      const { path } = kept(t);
      spoil(path);
      const again = new TreeFile(path);
      assert.equal(again.size, 0);
      add(again, 800);
      assert.equal(rootIn(again, 800), roots(800)[799]);
    }
  });

  test('by another while it is used, both have the same', (t) => {
    const { path, file } = kept(t);
    const other = new TreeFile(path);
    add(file, 20);
    add(other, 50);
    other.keep();
    file.keep();
    other.clear();
    add(other, 10);
    other.keep();
    assert.equal(rootIn(file, 800), roots(800)[799]);
    assert.equal(rootIn(other, 10), roots(10)[9]);
  });
});
