import type { BlockRef } from '../../events/chain.js';
import type { ChainCommit } from '../../events/commit.js';
import type { BlockWindow, WindowBlock } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import type { RecentStarts } from '../../projections/recent-starts.js';
import type { Scans } from '../../projections/scans.js';

/** Hears of a shard's blocks, in order, one at a time: the next is not told before this one's promise is settled. */
export interface BlockListener {
  blockConnected(block: WindowBlock, txidsInternal: Uint8Array): Promise<void>;
  blockDisconnected(block: WindowBlock): Promise<void>;
}

export interface BlockFeedOptions {
  readonly chain: Fold<ChainCommit, BlockWindow>;
  readonly scans: Scans;
  /** What was accepted lately: it may not have been compared with the blocks from its start on. */
  readonly recentStarts: Pick<RecentStarts, 'lowest'>;
  /** How many blocks before the last scanned one to begin with, so that the locator cache is full and rechecked. */
  readonly lookBack: number;
  readonly txids: (block: BlockRef) => Promise<Uint8Array>;
  readonly listeners: readonly BlockListener[];
}

/** Blocks that were told and may be taken back; for a deeper reorg the feed begins anew at the last scanned block. */
const REMEMBERED = 200;

/**
 * Turns the best chain into two verbs, connected and disconnected, for the actors of a shard.
 *
 * Begins some blocks before the last `BlockScanned` on the best chain, whoever wrote it, so that no block is passed over,
 * and at the latest with the first block that an appointment of late may have its breach in; what was evaluated before is evaluated again, which decides nothing more.
 */
export class BlockFeed {
  readonly #told: WindowBlock[] = [];
  #next = 0;
  #stopped = false;

  constructor(private readonly options: BlockFeedOptions) {
    this.#begin();
  }

  /** The last block that every listener has dealt with. */
  get current(): WindowBlock | undefined {
    return this.#told.at(-1);
  }

  /** Feeds until stopped; rejects when a listener does. */
  async run(): Promise<void> {
    const { chain } = this.options;
    while (!this.#stopped) {
      const seen = chain.state.position;
      if (await this.#step()) continue;
      // What was folded since the step looked would not be waited for: `next` tells only of what comes after it.
      if (!this.#stopped && chain.state.position === seen) await chain.next();
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** One block up or down; false if the feed is level with the chain. */
  async #step(): Promise<boolean> {
    const { state } = this.options.chain;
    const { current } = this;
    if (current && !state.isBest(current)) {
      await this.#disconnect(current);
      return true;
    }
    const block = current ? state.at(current.height + 1) : this.#first();
    if (!block) return false;
    await this.#connect(block);
    return true;
  }

  #first(): WindowBlock | undefined {
    this.#begin();
    return this.options.chain.state.at(this.#next);
  }

  #begin(): void {
    const { chain, scans, recentStarts, lookBack } = this.options;
    const root = chain.state.root?.height ?? 0;
    const scanned = scans.highestOn(chain.state)?.height ?? root;
    this.#next = Math.max(root, Math.min(scanned - lookBack, recentStarts.lowest - lookBack + 1));
  }

  async #connect(block: WindowBlock): Promise<void> {
    const txids = await this.options.txids(block);
    for (const listener of this.options.listeners) {
      if (this.#stopped) return;
      await listener.blockConnected(block, txids);
    }
    this.#told.push(block);
    if (this.#told.length > REMEMBERED) this.#told.shift();
  }

  async #disconnect(block: WindowBlock): Promise<void> {
    for (const listener of this.options.listeners) await listener.blockDisconnected(block);
    this.#told.pop();
  }
}
