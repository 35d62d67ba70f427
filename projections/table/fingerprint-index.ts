import { Column } from './column.js';

/** The bits of a fingerprint that are known from the place in which an entry is found, and not stored. */
const KNOWN = 8;
/** Entries to a bucket, at the most, on average. */
const LOAD = 1.5;
/** In an entry's link: it is the last of its bucket, whose number the other bits are. */
const LAST = 0x8000_0000;

/** All that an index is made of: four numbers and two columns, see there. */
export interface SavedIndex {
  readonly size: number;
  /** How many entries were ever given out. */
  readonly given: number;
  readonly free: number;
  readonly buckets: number;
}

/**
 * Finds entries by fingerprints of 40 bits. Several may have the same. An entry is a number, from 0 on, under which its owner
 * keeps whatever else there is to know of it; numbers that are given back are given out again.
 *
 * A hash table with chains that grows by one bucket at a time (linear hashing, Litwin 1980): adding an entry moves those of
 * one bucket at the most, so that no growth is ever felt, and removing one leaves nothing behind. 11 bytes an entry.
 */
export class FingerprintIndex {
  /** For each entry, two: the fingerprint without its lowest bits, and the entry after it in its bucket, plus one. */
  readonly #entries: Column;
  /** For each bucket the first entry in it, plus one; 0 if it is empty. */
  readonly #heads: Column;
  #buckets: number;
  /** One less than the power of two above the number of buckets. */
  #mask: number;
  #size: number;
  #given: number;
  /** The first of the entries that were given back, plus one; each links to the next. */
  #free: number;

  /** `saved`: what another one was when its columns were saved, and those. */
  constructor(saved: SavedIndex = EMPTY, columns: Partial<Record<'entries' | 'heads', Uint8Array>> = {}) {
    this.#entries = new Column(Uint32Array, columns.entries);
    this.#heads = new Column(Uint32Array, columns.heads);
    this.#buckets = saved.buckets;
    this.#mask = 2 ** (Math.floor(Math.log2(saved.buckets)) + 1) - 1;
    this.#size = saved.size;
    this.#given = saved.given;
    this.#free = saved.free;
  }

  /** How many entries can be found. */
  get size(): number {
    return this.#size;
  }

  /** A new entry. */
  add(fingerprint: number): number {
    const entry = this.#take();
    this.#entries.set(2 * entry, stored(fingerprint));
    this.#append(entry, this.#bucketOf(fingerprint));
    this.#size++;
    if (this.#size > LOAD * this.#buckets) this.#split();
    return entry;
  }

  /** The entries with a fingerprint, the oldest first. */
  find(fingerprint: number): readonly number[] {
    let link = this.#heads.get(this.#bucketOf(fingerprint));
    if (link === 0) return NONE;
    const wanted = stored(fingerprint);
    let found: number[] | undefined;
    while (link !== 0) {
      const entry = link - 1;
      if (this.#entries.get(2 * entry) === wanted) {
        found ??= [];
        found.push(entry);
      }
      link = this.#after(entry);
    }
    return found ?? NONE;
  }

  /**
   * The entries with each of many fingerprints; `found` is told of each, with the number of its fingerprint.
   *
   * All go one step along their chains before any goes the next, and nothing is decided before all have been there: what they
   * wait for is memory, and so the processor waits for many at once.
   */
  findAll(fingerprints: Float64Array, found: (which: number, entry: number) => void): void {
    const which = new Uint32Array(fingerprints.length);
    const links = new Uint32Array(fingerprints.length);
    const there = new Uint32Array(fingerprints.length);
    for (let i = 0; i < which.length; i++) links[i] = this.#bucketOf(fingerprints[i] ?? 0);
    for (let i = 0; i < which.length; i++) links[i] = this.#heads.get(links[i] ?? 0);
    let left = 0;
    for (let i = 0; i < which.length; i++) {
      const link = links[i] ?? 0;
      which[left] = i;
      links[left] = link;
      left += link === 0 ? 0 : 1;
    }
    while (left > 0) {
      for (let i = 0; i < left; i++) there[i] = this.#entries.get(2 * (links[i] ?? 0) - 2);
      let kept = 0;
      for (let i = 0; i < left; i++) {
        const [of, entry] = [which[i] ?? 0, (links[i] ?? 0) - 1];
        if (there[i] === stored(fingerprints[of] ?? 0)) found(of, entry);
        const link = this.#entries.get(2 * entry + 1);
        which[kept] = of;
        links[kept] = link;
        kept += link >= LAST ? 0 : 1;
      }
      left = kept;
    }
  }

  /** Has an entry not be found any more; its number stays taken until it is given back. */
  remove(entry: number): void {
    const bucket = this.#bucketWith(entry);
    const next = this.#entries.get(2 * entry + 1);
    let before = -1;
    for (let at = this.#heads.get(bucket) - 1; at !== entry; at = this.#after(at) - 1) before = at;
    if (before >= 0) this.#entries.set(2 * before + 1, next);
    else this.#heads.set(bucket, next >= LAST ? 0 : next);
    this.#size--;
  }

  /** The number of an entry that was removed may be given out again. */
  giveBack(entry: number): void {
    this.#entries.set(2 * entry + 1, this.#free);
    this.#free = entry + 1;
  }

  /** All that it is made of. The columns are views: to be used up before anything changes. */
  save(): {
    readonly numbers: SavedIndex;
    readonly entries: Iterable<Uint8Array>;
    readonly heads: Iterable<Uint8Array>;
  } {
    const numbers = { size: this.#size, given: this.#given, free: this.#free, buckets: this.#buckets };
    return { numbers, entries: this.#entries.save(2 * this.#given), heads: this.#heads.save(this.#buckets) };
  }

  #take(): number {
    if (this.#free === 0) return this.#given++;
    const entry = this.#free - 1;
    this.#free = this.#entries.get(2 * entry + 1);
    return entry;
  }

  /** The entry after one in its bucket, plus one; 0 after the last. */
  #after(entry: number): number {
    const link = this.#entries.get(2 * entry + 1);
    return link >= LAST ? 0 : link;
  }

  /** The bucket that an entry is in: its chain ends with it. */
  #bucketWith(entry: number): number {
    let link = this.#entries.get(2 * entry + 1);
    while (link < LAST) link = this.#entries.get(2 * link - 1);
    return link - LAST;
  }

  #bucketOf(fingerprint: number): number {
    const bucket = ((fingerprint >>> 0) & this.#mask) >>> 0;
    return bucket < this.#buckets ? bucket : bucket & (this.#mask >>> 1);
  }

  #append(entry: number, bucket: number): void {
    this.#entries.set(2 * entry + 1, LAST + bucket);
    const head = this.#heads.get(bucket);
    if (head === 0) {
      this.#heads.set(bucket, entry + 1);
      return;
    }
    let last = head - 1;
    for (let next = this.#after(last); next !== 0; next = this.#after(last)) last = next - 1;
    this.#entries.set(2 * last + 1, entry + 1);
  }

  /** One bucket more: it takes about half of the entries of another, in their order. */
  #split(): void {
    const half = (this.#mask + 1) >>> 1;
    const [from, to] = [this.#buckets - half, this.#buckets];
    this.#buckets++;
    let link = this.#heads.get(from);
    this.#heads.set(from, 0);
    while (link !== 0) {
      const entry = link - 1;
      link = this.#after(entry);
      const isUpper = ((this.#entries.get(2 * entry) >>> 0) & (half >>> KNOWN)) !== 0;
      this.#append(entry, isUpper ? to : from);
    }
    if (this.#buckets > this.#mask) this.#mask = 2 * this.#mask + 1;
  }
}

const NONE: readonly number[] = [];
const EMPTY: SavedIndex = { size: 0, given: 0, free: 0, buckets: 1 << KNOWN };

const stored = (fingerprint: number): number => Math.floor(fingerprint / (1 << KNOWN));
