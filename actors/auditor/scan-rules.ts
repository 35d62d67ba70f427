import type { BlockHash, Height } from '../../events/ids.js';
import type { ScanEvent } from '../../events/scan.js';
import { CROSSING_MS, checkBlock, type Place } from './shard-context.js';

/** A block that nobody had. */
interface Gap {
  readonly height: Height;
  /** When and where that was said. */
  readonly time: number;
  readonly position: number;
}

/** At every block the tower looks for blobs that nobody refers to: so long that may take, in ms. */
const SWEEP_MS = 60_000;

/** As it is saved between two audits. */
export interface SavedScans {
  readonly scanned: readonly (readonly [string, number])[];
  readonly unread: readonly (readonly [BlockHash, Gap])[];
  readonly highest: { readonly chainPosition: number; readonly time: number };
  readonly sweeps: Sweeps;
}

/** When the last sweep began that is certainly over, and the first after it; in ms. */
interface Sweeps {
  readonly over: number;
  readonly next: number;
}

/** Which blocks a shard says it has evaluated, and whether it may: each connection of a block once, in the order of the chain. */
export class ScanRules {
  /** `<chain position>/<hash>` and its place on the log. */
  readonly #scanned: Map<string, number>;
  readonly #unread: Map<BlockHash, Gap>;
  #highest: { readonly chainPosition: number; readonly time: number };
  #sweeps: Sweeps;

  constructor(saved?: SavedScans) {
    this.#scanned = new Map(saved?.scanned);
    this.#unread = new Map(saved?.unread);
    this.#highest = saved?.highest ?? { chainPosition: 0, time: 0 };
    this.#sweeps = saved?.sweeps ?? { over: 0, next: 0 };
  }

  save(): SavedScans {
    return { scanned: [...this.#scanned], unread: [...this.#unread], highest: this.#highest, sweeps: this.#sweeps };
  }

  /** When a block was evaluated after which all must have been erased that nobody referred to by then; in ms, 0 if there is none. */
  get sweptAt(): number {
    return this.#sweeps.over;
  }

  /** Whether any block was evaluated, or could not be. */
  get isBegun(): boolean {
    return this.#scanned.size + this.#unread.size > 0;
  }

  /** A block of the best chain from a height on that nobody had by then, and that was said to be so long ago. */
  gapSince(height: number, { chain, time }: Place): BlockHash | undefined {
    for (const [hash, gap] of this.#unread)
      if (gap.height > height && gap.time < time - CROSSING_MS && chain.isBest(hash)) return hash;
    return undefined;
  }

  apply(events: readonly ScanEvent[], place: Place): void {
    if (events.length > 1 && events.some(({ type }) => type === 'BlockScanned'))
      place.complain('scan', 'a block is called evaluated together with others');
    for (const event of events) {
      const isKnown = checkBlock(event, place);
      if (event.type === 'BlockScanned') this.#scan(event, isKnown, place);
      else {
        const { time, position } = place;
        // What waits to be recorded together may have been asked for twice.
        const before = this.#unread.get(event.hash)?.position ?? position;
        if (before !== position)
          place.complain('scan', `block ${event.hash} is called unread again: it was at ${before}`);
        this.#unread.set(event.hash, { height: event.height, time, position });
      }
    }
  }

  #scan(event: Extract<ScanEvent, { type: 'BlockScanned' }>, isKnown: boolean, place: Place): void {
    const { hash, chainPosition } = event;
    const { chain, time, position, complain } = place;
    if (isKnown && !chain.block(hash)?.connectedAt.includes(chainPosition))
      complain('scan', `message ${chainPosition} of CHAIN does not connect block ${hash}`);
    const key = `${chainPosition}/${hash}`;
    if (this.#scanned.has(key) && !this.#unread.has(hash))
      complain('scan', `block ${hash} is called evaluated again: it was at ${this.#scanned.get(key)}`);
    const isGap = this.#unread.delete(hash);
    this.#scanned.set(key, position);
    if (chainPosition >= this.#highest.chainPosition) {
      this.#highest = { chainPosition, time };
      const { next } = this.#sweeps;
      if (time - next >= SWEEP_MS) this.#sweeps = { over: next, next: time };
    } else if (!isGap && this.#highest.time < time - CROSSING_MS)
      complain('scan', `block ${hash} is called evaluated after a later one was`);
  }
}
