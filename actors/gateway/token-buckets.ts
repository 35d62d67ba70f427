/** So many buckets there are at the most: a megabyte or two of memory. */
const MOST_BUCKETS = 10_000;

export interface BucketNeeds {
  /** Tokens that come in a millisecond; 0 for no limit at all. */
  readonly rate: number;
  /** How many a full bucket holds. */
  readonly size: number;
  /** In ms, and never backwards. */
  readonly now: () => number;
  readonly most?: number;
}

/**
 * Token buckets, one a key, of which there are never more than so many: the one that was not asked for the longest makes room,
 * and is full again when it comes back. So whoever comes under ten thousand names is not held back by this, and costs no
 * memory either.
 */
export class TokenBuckets {
  /** In the order in which they were asked for, the latest last. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(private readonly needs: BucketNeeds) {}

  get count(): number {
    return this.#buckets.size;
  }

  /** Takes a token: 0 if there was one, else in how many ms there will be. */
  take(key: string): number {
    const { rate, size, now, most = MOST_BUCKETS } = this.needs;
    if (rate === 0) return 0;
    const at = now();
    const before = this.#buckets.get(key) ?? { tokens: size, at };
    const tokens = Math.min(size, before.tokens + (at - before.at) * rate);
    // Who comes at the very moment that it was told is not sent away by a rounding.
    const isGranted = tokens >= 1 - 1e-6;
    // Put last; it is the same key, so there is no room to be made.
    this.#buckets.delete(key);
    if (this.#buckets.size >= most)
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    this.#buckets.set(key, { tokens: isGranted ? Math.max(0, tokens - 1) : tokens, at });
    return isGranted ? 0 : Math.ceil((1 - tokens) / rate);
  }
}

interface Bucket {
  readonly tokens: number;
  /** When it held so many. */
  readonly at: number;
}
