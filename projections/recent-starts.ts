import type { Height } from '../events/ids.js';

/**
 * How many scans back an appointment may still be one that nobody has compared with the blocks since its start. A node
 * compares what it has folded before it records its next scan, so this is far more than the nodes of any tower.
 */
const SCANS = 16;

/**
 * From which height on the appointments that were accepted lately are watched: the lowest start between each of the last
 * scans and the next. A commit that was long under way has a start that was scanned long before it.
 */
export class RecentStarts {
  #lowest: number[];

  /** `saved`: what `toJSON` gave of another one. */
  constructor(saved: readonly (number | null)[] = [null]) {
    this.#lowest = saved.map((lowest) => lowest ?? Number.POSITIVE_INFINITY);
  }

  accepted(startBlock: Height): void {
    const last = this.#lowest.length - 1;
    this.#lowest[last] = Math.min(this.#lowest[last] ?? startBlock, startBlock);
  }

  scanned(): void {
    this.#lowest = [...this.#lowest.slice(1 - SCANS), Number.POSITIVE_INFINITY];
  }

  /** The lowest of them; infinity if nothing was accepted lately. */
  get lowest(): number {
    return Math.min(...this.#lowest);
  }

  /** The lowest starts, oldest first; null where nothing was accepted. */
  toJSON(): readonly (number | null)[] {
    return this.#lowest.map((lowest) => (Number.isFinite(lowest) ? lowest : null));
  }
}
