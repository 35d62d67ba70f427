import { concat, sha256, toHex } from '../bytes.js';

/**
 * The Merkle tree of RFC 9162 section 2.1 (that of RFC 6962), over SHA-256: a leaf is hashed behind a 0x00, a node behind a
 * 0x01, and of n leaves the left branch has the largest power of two below n.
 *
 * Whoever holds the hashes of the full subtrees can make a root or a proof for any size up to what it holds: each is put
 * together of some log2(n) of them. Proofs are lists of hashes of 32 bytes, in the order of the RFC.
 */

const LEAF = 0;
const NODE = 1;
const HASH = 32;

export const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  // A proof may have anything in it.
  if (left.length !== HASH || right.length !== HASH) return sha256(concat(Uint8Array.of(NODE), left, right));
  nodeDesk.set(left, 1);
  nodeDesk.set(right, 1 + HASH);
  return sha256(nodeDesk);
};

export const leafHash = (data: Uint8Array): Uint8Array => {
  const size = 1 + data.length;
  if (leafDesk.length < size) leafDesk = behind(LEAF, 2 * size);
  leafDesk.set(data, 1);
  return sha256(leafDesk.subarray(0, size));
};

/** Where what is to be hashed is put together: a log is hashed by the million, and garbage is memory. */
const nodeDesk = behind(NODE, 2 * HASH);
let leafDesk = behind(LEAF, 1024);

function behind(prefix: number, size: number): Uint8Array {
  const desk = new Uint8Array(1 + size);
  desk[0] = prefix;
  return desk;
}

/** The hash of the full subtree over the leaves from `index * 2^level` on, 2^level of them. */
export type Subtrees = (level: number, index: number) => Uint8Array;

/** The root over the first `size` leaves; that of none is the hash of nothing. */
export function rootOf(size: number, subtrees: Subtrees): Uint8Array {
  return size === 0 ? sha256(new Uint8Array()) : rangeHash(0, size, subtrees);
}

/** The root over the leaves from `start` to before `end`, as the tree is split. */
function rangeHash(start: number, end: number, subtrees: Subtrees): Uint8Array {
  const count = end - start;
  if (isPowerOfTwo(count)) return subtrees(levelOf(count), start / count);
  const middle = start + leftBranch(count);
  return nodeHash(rangeHash(start, middle, subtrees), rangeHash(middle, end, subtrees));
}

/** The largest power of two below `count`; 1 for one leaf, which has no branches. */
function leftBranch(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

/** The exponent of a power of two. */
function levelOf(power: number): number {
  let level = 0;
  for (let rest = power; rest > 1; rest /= 2) level++;
  return level;
}

/** The proof that the leaf `index`, from 0, is in the tree over the first `size` leaves. Throws a `RangeError` if it is not. */
export function inclusionProof(index: number, size: number, subtrees: Subtrees): Uint8Array[] {
  if (index < 0 || index >= size) throw new RangeError(`there is no leaf ${index} in a tree of ${size}`);
  const proof: Uint8Array[] = [];
  for (let start = 0, end = size; end - start > 1; ) {
    const middle = start + leftBranch(end - start);
    proof.push(index < middle ? rangeHash(middle, end, subtrees) : rangeHash(start, middle, subtrees));
    if (index < middle) end = middle;
    else start = middle;
  }
  return proof.reverse();
}

/** The proof that the first `from` leaves of the tree over `to` are the tree over `from`. Throws a `RangeError` if they cannot be. */
export function consistencyProof(from: number, to: number, subtrees: Subtrees): Uint8Array[] {
  if (from < 1 || from > to) throw new RangeError(`there is no proof from a tree of ${from} to one of ${to}`);
  const proof: Uint8Array[] = [];
  let [start, end] = [0, to];
  while (end !== from) {
    const middle = start + leftBranch(end - start);
    proof.push(from <= middle ? rangeHash(middle, end, subtrees) : rangeHash(start, middle, subtrees));
    if (from <= middle) end = middle;
    else start = middle;
  }
  // The whole of the older tree is known to whoever asks.
  if (start > 0) proof.push(rangeHash(start, end, subtrees));
  return proof.reverse();
}

/** A tree as its head tells it. */
export interface TreeRoot {
  readonly size: number;
  readonly root: Uint8Array;
}

/** Whether a proof shows that the leaf `index` of a tree has this hash (RFC 9162, 2.1.3.2). Never throws. */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  { size, root }: TreeRoot,
  proof: Uint8Array[],
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  let [at, last, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) return false;
    const isRight = isOdd(at) || at === last;
    hash = isRight ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
    [at, last] = above(at, last, isRight);
  }
  return last === 0 && isSame(hash, root);
}

/** Whether a proof shows that a tree begins with all of an older one (RFC 9162, 2.1.4.2). Never throws. */
export function verifyConsistency(older: TreeRoot, newer: TreeRoot, proof: Uint8Array[]): boolean {
  if (!isCount(older.size) || !isCount(newer.size) || older.size < 1 || older.size > newer.size) return false;
  if (older.size === newer.size) return proof.length === 0 && isSame(older.root, newer.root);
  const [first, ...rest] = isPowerOfTwo(older.size) ? [older.root, ...proof] : proof;
  if (!first) return false;
  let [at, last] = [older.size - 1, newer.size - 1];
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  let [before, after] = [first, first];
  for (const sibling of rest) {
    if (last === 0) return false;
    const isRight = isOdd(at) || at === last;
    if (isRight) before = nodeHash(sibling, before);
    after = isRight ? nodeHash(sibling, after) : nodeHash(after, sibling);
    [at, last] = above(at, last, isRight);
  }
  return last === 0 && isSame(before, older.root) && isSame(after, newer.root);
}

/** Where one stands after a sibling was taken in: one level higher, or where the next left sibling is. */
function above(at: number, last: number, isRight: boolean): [number, number] {
  if (isRight) while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
  return [half(at), half(last)];
}

/** Sizes have more than the 32 bits of JavaScript's own shifts. */
const half = (n: number): number => Math.floor(n / 2);
const isOdd = (n: number): boolean => n % 2 === 1;
const isCount = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;
const isPowerOfTwo = (n: number): boolean => n === 1 || leftBranch(n) * 2 === n;
const isSame = (one: Uint8Array, other: Uint8Array): boolean => toHex(one) === toHex(other);
