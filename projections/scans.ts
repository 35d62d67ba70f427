import type { BlockRef } from '../events/chain.js';
import type { BlockHash, Height } from '../events/ids.js';
import type { ScanEvent } from '../events/scan.js';
import type { BlockWindow } from './block-window.js';

/** How many heights back a scan is remembered: four weeks of blocks. Beyond, a block is scanned again, which is harmless. */
const REMEMBERED = 4032;

/** How far a shard's blocks are known to be evaluated: the fold of its `BlockScanned` and `BlockUnread` events. */
export class Scans {
  readonly #byHeight = new Map<Height, BlockHash>();

  /** Blocks that nobody could read and nobody has scanned since: for ever, if it takes that long. */
  readonly #unread = new Map<BlockHash, BlockRef>();

  apply(event: ScanEvent): void {
    if (event.type === 'BlockUnread') {
      this.#unread.set(event.hash, { height: event.height, hash: event.hash });
      return;
    }
    this.#unread.delete(event.hash);
    // Set anew, so that the map's order is the order of the scans.
    this.#byHeight.delete(event.height);
    this.#byHeight.set(event.height, event.hash);
    for (const height of this.#byHeight.keys()) {
      if (this.#byHeight.size <= REMEMBERED) break;
      this.#byHeight.delete(height);
    }
  }

  isScanned(block: BlockRef): boolean {
    return this.#byHeight.get(block.height) === block.hash;
  }

  /** The highest scanned block that is on the best chain; undefined if there is none. */
  highestOn(chain: BlockWindow): BlockRef | undefined {
    const scanned = Array.from(this.#byHeight, ([height, hash]) => ({ height, hash }));
    return scanned.filter((block) => chain.isBest(block)).sort((a, b) => b.height - a.height)[0];
  }

  /** Whether a block is known to be a gap. */
  isUnread({ hash }: BlockRef): boolean {
    return this.#unread.has(hash);
  }

  /** The gaps of the best chain, lowest first. */
  unreadOn(chain: BlockWindow): readonly BlockRef[] {
    if (this.#unread.size === 0) return [];
    return Array.from(this.#unread.values())
      .filter((block) => chain.isBest(block))
      .sort((a, b) => a.height - b.height);
  }

  toJSON(): unknown {
    return { scanned: Array.from(this.#byHeight), unread: Array.from(this.#unread.values()) };
  }
}
