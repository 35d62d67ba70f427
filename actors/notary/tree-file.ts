import {
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { concat, toHex } from '../../events/bytes.js';
import { rootOf, type Subtrees } from '../../events/proofs/merkle.js';
import { hashesOf, placeOf, RightEdge } from '../../projections/merkle/post-order.js';

/**
 * A shard's Merkle tree in a file: all hashes of it, 64 bytes a leaf, of which some 40 are read for a proof.
 *
 * Beside it stands how much of it is on the disk for certain, and with what root (`<file>.kept`). Whatever a crash or a power
 * loss left behind that is not looked at again. What stands where is given by the log alone, and nothing is cut off: so
 * whoever else writes the same file writes the same bytes.
 */
export class TreeFile {
  readonly #file: number;
  #edge = new RightEdge();
  #size = 0;
  #written = 0;
  #kept = 0;
  /** What follows what is written. */
  #waiting: Uint8Array[] = [];

  /** Opens or makes the file; goes on with what is kept, or from the beginning if that is not what it should be. */
  constructor(private readonly path: string) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const kept = readKept(this.#keptPath);
    if (!kept || !this.#holds(kept)) return;
    this.#size = this.#written = this.#kept = kept.size;
    this.#edge = new RightEdge(kept.size, (place) => this.#hashAt(place));
  }

  /** How many leaves it has. */
  get size(): number {
    return this.#size;
  }

  /** How many of them a power loss leaves. */
  get kept(): number {
    return this.#kept;
  }

  /** The hash of a full subtree of it. Throws a `RangeError` where the file is too short. */
  readonly subtrees: Subtrees = (level, index) => {
    if ((index + 1) * 2 ** level > this.#written) this.#write();
    return this.#hashAt(placeOf(level, index));
  };

  append(leaf: Uint8Array): void {
    this.#waiting.push(...this.#edge.add(leaf));
    this.#size++;
    if (this.#waiting.length >= MOST_WAITING) this.#write();
  }

  /** Brings everything to the disk. */
  keep(): void {
    if (this.#kept === this.#size) return;
    this.#write();
    fsyncSync(this.#file);
    const mark = JSON.stringify({ v: 1, size: this.#size, root: toHex(rootOf(this.#size, this.subtrees)) });
    const aside = `${this.#keptPath}.${process.pid}`;
    writeFileSync(aside, `${mark}\n`, { mode: 0o600, flush: true });
    renameSync(aside, this.#keptPath);
    this.#kept = this.#size;
  }

  /** Forgets all leaves. */
  clear(): void {
    this.#edge = new RightEdge();
    this.#size = this.#written = this.#kept = 0;
    this.#waiting = [];
  }

  get #keptPath(): string {
    return `${this.path}.kept`;
  }

  #write(): void {
    const bytes = concat(...this.#waiting);
    writeSync(this.#file, bytes, 0, bytes.length, HASH * hashesOf(this.#written));
    this.#waiting = [];
    this.#written = this.#size;
  }

  #hashAt(place: number): Uint8Array {
    const hash = new Uint8Array(HASH);
    if (readSync(this.#file, hash, 0, HASH, HASH * place) === HASH) return hash;
    throw new RangeError(`${this.path} is too short`);
  }

  #holds({ size, root }: Kept): boolean {
    try {
      return toHex(rootOf(size, (level, index) => this.#hashAt(placeOf(level, index)))) === root;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }
}

const HASH = 32;
/** How many hashes are written at once. */
const MOST_WAITING = 2048;

const Kept = z.object({ v: z.literal(1), size: z.number().int().min(0), root: z.string() });
type Kept = z.infer<typeof Kept>;

/** Undefined if there is none, or none that can be read. */
function readKept(path: string): Kept | undefined {
  try {
    return Kept.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
