import type { BlockRef } from '../events/chain.js';
import type { BlockHash, Height, Position } from '../events/ids.js';
import type { ScanEvent } from '../events/scan.js';
import type { BlockWindow, WindowBlock } from './block-window.js';

/** How many heights back a scan is remembered: four weeks of blocks. Beyond, a block is scanned again, which is harmless. */
const REMEMBERED = 4032;

/** A block as it was scanned, and the position in `CHAIN` of the commit that had connected it. */
interface Scan {
  readonly hash: BlockHash;
  readonly position: Position;
}

/** How far a shard's blocks are known to be evaluated: the fold of its `BlockScanned` and `BlockUnread` events. */
export class Scans {
  readonly #byHeight = new Map<Height, Scan>();

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
    this.#byHeight.set(event.height, { hash: event.hash, position: event.chainPosition });
    for (const height of this.#byHeight.keys()) {
      if (this.#byHeight.size <= REMEMBERED) break;
      this.#byHeight.delete(height);
    }
  }

  /** Whether a block was scanned since it was connected: one that a reorg took and gave back is not, for what came meanwhile. */
  isScanned({ height, hash, position }: Pick<WindowBlock, 'height' | 'hash' | 'position'>): boolean {
    const scan = this.#byHeight.get(height);
    return scan?.hash === hash && scan.position === position;
  }

  /** The highest block of the best chain that was scanned since it was connected; undefined if there is none. */
  highestOn(chain: BlockWindow): BlockRef | undefined {
    const scanned = Array.from(this.#byHeight, ([height, scan]) => ({ height, ...scan }));
    const [highest] = scanned
      .filter((block) => chain.isBestSince(block, block.position))
      .sort((a, b) => b.height - a.height);
    return highest && { height: highest.height, hash: highest.hash };
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
