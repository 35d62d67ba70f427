import { sha256 } from '../../events/bytes.js';
import { nodeHash } from '../../events/proofs/merkle.js';

/**
 * A Merkle tree as a list that only grows: each leaf's hash, followed by those of the full subtrees that it completes, lowest
 * first. The list of a tree begins with those of all smaller ones, and any subtree is found by counting.
 *
 *   leaves 0 to 3:   0  1 (0-1)  2  3 (2-3) (0-3)
 */

/** How many hashes there are of the first `size` leaves. */
export function hashesOf(size: number): number {
  let ones = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return 2 * size - ones;
}

/** Where in the list the hash of a full subtree is: that of 2^level leaves from `index * 2^level` on. */
export const placeOf = (level: number, index: number): number => hashesOf((index + 1) * 2 ** level - 1) + level;

/** The right edge of a growing tree: the full subtrees that wait for a sibling, at most one of each level. */
export class RightEdge {
  readonly #waiting: (Uint8Array | undefined)[] = [];

  /** `hashAt` reads the list of the first `size` leaves. */
  constructor(size = 0, hashAt: (place: number) => Uint8Array = () => new Uint8Array()) {
    for (let level = 0, rest = size; rest > 0; level++, rest = Math.floor(rest / 2))
      this.#waiting[level] = rest % 2 === 1 ? hashAt(placeOf(level, rest - 1)) : undefined;
  }

  /** What a leaf adds to the list. */
  add(leaf: Uint8Array): readonly Uint8Array[] {
    const added = [leaf];
    let hash = leaf;
    let level = 0;
    for (let left = this.#waiting[0]; left; left = this.#waiting[level]) {
      this.#waiting[level++] = undefined;
      hash = nodeHash(left, hash);
      added.push(hash);
    }
    this.#waiting[level] = hash;
    return added;
  }

  /** The root of the tree as it is now; that of none is the hash of nothing. */
  root(): Uint8Array {
    let root: Uint8Array | undefined;
    for (const hash of this.#waiting) if (hash) root = root ? nodeHash(hash, root) : hash;
    return root ?? sha256(new Uint8Array());
  }

  /** The subtrees that wait, lowest level first: what `restored` makes it of again. */
  save(): readonly (Uint8Array | undefined)[] {
    return this.#waiting;
  }

  static restored(waiting: readonly (Uint8Array | undefined)[]): RightEdge {
    const edge = new RightEdge();
    edge.#waiting.push(...waiting);
    return edge;
  }
}
