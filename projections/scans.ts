import type { BlockRef } from '../events/chain.js';
import type { BlockHash, Height, Position } from '../events/ids.js';
import type { ScanEvent } from '../events/scan.js';
import type { BlockWindow, WindowBlock } from './block-window.js';

/** How many heights back a scan is remembered: four weeks of blocks. Beyond, a block is scanned again, which is harmless. */
const REMEMBERED = 4032;

interface Scan {
  readonly hash: BlockHash;
  readonly position: Position;
}

/** All that is known of scans, in the order in which it is kept. */
export interface SavedScans {
  readonly scanned: readonly (readonly [Height, Scan])[];
  readonly unread: readonly BlockRef[];
}

/**
 * How far a shard's blocks are known to be evaluated: the fold of its `BlockScanned` and `BlockUnread` events.
 *
 * A block that a reorg took out and another brought back has to be evaluated again, for what was accepted meanwhile: so a
 * scan is known by the block's hash and by the commit of `CHAIN` that connected it.
 */
export class Scans {
  readonly #byHeight: Map<Height, Scan>;

  /** Blocks that nobody could read and nobody has scanned since: for ever, if it takes that long. */
  readonly #unread: Map<BlockHash, BlockRef>;

  /** `saved`: what `toJSON` gave of another one. */
  constructor(saved: SavedScans = { scanned: [], unread: [] }) {
    this.#byHeight = new Map(saved.scanned);
    this.#unread = new Map(saved.unread.map((block) => [block.hash, block]));
  }

  apply(event: ScanEvent): void {
    if (event.type === 'BlockUnread') {
      this.#unread.set(event.hash, { height: event.height, hash: event.hash });
      return;
    }
    this.#unread.delete(event.hash);
    // Set anew, so that the map's order is the order of the scans.
    this.#byHeight.delete(event.height);
    this.#byHeight.set(event.height, { hash: event.hash, position: event.chainPosition as Position });
    for (const height of this.#byHeight.keys()) {
      if (this.#byHeight.size <= REMEMBERED) break;
      this.#byHeight.delete(height);
    }
  }

  isScanned({ height, hash, position }: Pick<WindowBlock, 'height' | 'hash' | 'position'>): boolean {
    const scanned = this.#byHeight.get(height);
    return scanned?.hash === hash && scanned.position === position;
  }

  /** The highest scanned block that is on the best chain; undefined if there is none. */
  highestOn(chain: Pick<BlockWindow, 'holds'>): BlockRef | undefined {
    const scanned = Array.from(this.#byHeight, ([height, scan]) => ({ height, ...scan }));
    const [highest] = scanned.filter((block) => chain.holds(block)).sort((a, b) => b.height - a.height);
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

  toJSON(): SavedScans {
    return { scanned: Array.from(this.#byHeight), unread: Array.from(this.#unread.values()) };
  }
}
