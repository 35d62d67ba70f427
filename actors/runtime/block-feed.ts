import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockRef } from '../../events/chain.js';
import type { ChainCommit } from '../../events/commit.js';
import type { BlockWindow, WindowBlock } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import type { RecentStarts } from '../../projections/recent-starts.js';
import type { Scans } from '../../projections/scans.js';

/** A block and its txids: 32 bytes each, internal order. */
export interface ReadBlock {
  readonly block: WindowBlock;
  readonly txidsInternal: Uint8Array;
}

/** Hears of a shard's blocks, in order: the next are not told before these ones' promise is settled. */
export interface BlockListener {
  /** One block at the tip; while catching up, some at once, lowest first, one on top of the other. */
  blocksConnected(run: Run): Promise<void>;
  blockDisconnected(block: WindowBlock): Promise<void>;
  /** A block of the best chain, told before without its txids, could be read after all. */
  blockRead?(read: ReadBlock): Promise<void>;
}

/** Blocks that are told at once. Those that nobody has are in `blocks` alone. */
export interface Run {
  /** At least one; lowest first. */
  readonly blocks: readonly WindowBlock[];
  readonly read: readonly ReadBlock[];
}

/** The highest block of a run. */
export function lastOf({ blocks }: Run): WindowBlock {
  const last = blocks.at(-1);
  if (!last) throw new TypeError('a run has at least one block');
  return last;
}

export interface BlockFeedOptions {
  readonly chain: Fold<ChainCommit, BlockWindow>;
  readonly scans: Scans;
  /** What was accepted lately: it may not have been compared with the blocks from its start on. */
  readonly recentStarts: Pick<RecentStarts, 'lowest'>;
  /** How many blocks before the last scanned one to begin with, so that the locator cache is full and rechecked. */
  readonly lookBack: number;
  /** Undefined if nobody has the block, and then the log says so. */
  readonly txids: (block: BlockRef) => Promise<Uint8Array | undefined>;
  /** The same for a block that the log says nobody has: asked anew, without patience. */
  readonly unread: (block: BlockRef) => Promise<Uint8Array | undefined>;
  readonly listeners: readonly BlockListener[];
}

/** Blocks that were told and may be taken back; for a deeper reorg the feed begins anew at the last scanned block. */
const REMEMBERED = 200;

/** How many blocks are told at once, and how many bytes of txids. */
const RUN = { blocks: 100, bytes: 4_000_000 };

/** How many of them are read at once. */
const READ_AT_ONCE = 20;

/** How often it is asked for blocks that nobody has, in ms, and for how many of them each time. */
const UNREAD = { everyMs: 2_000, atOnce: 16 };

/**
 * Turns the best chain into two verbs, connected and disconnected, for the actors of a shard.
 *
 * Begins some blocks before the last `BlockScanned` on the best chain, whoever wrote it, so that no block is passed over,
 * and at the latest with the first block that an appointment of late may have its breach in; what was evaluated before is
 * evaluated again, which decides nothing more. A block that nobody has is told without its txids, and again when it could
 * be read.
 */
export class BlockFeed {
  readonly #told: WindowBlock[] = [];
  #next = 0;
  #stopped = false;
  /** Which of the gaps are asked for next. */
  #turn = 0;

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
    let news: Promise<'news'> | undefined;
    while (!this.#stopped) {
      const seen = chain.state.position;
      if (await this.#step()) continue;
      // What was folded since the step looked would not be waited for: `next` tells only of what comes after it.
      if (this.#stopped || chain.state.position !== seen) continue;
      news ??= chain.next().then(() => 'news');
      news.catch(() => undefined); // it is waited for below, unless gaps are asked for meanwhile
      if ((await this.#isNewsOrTime(news)) === 'news') news = undefined;
      // Where some could be read, the others are not made to wait.
      else while ((await this.#readUnread()) > 0 && chain.state.position === seen);
    }
  }

  /** Waits for news of the chain; if there are gaps, until it is time to ask for them. */
  async #isNewsOrTime(news: Promise<'news'>): Promise<'news' | 'time'> {
    const { scans, chain } = this.options;
    if (scans.unreadOn(chain.state).length === 0) return news;
    const timer = new AbortController();
    try {
      return await Promise.race([news, sleep(UNREAD.everyMs, 'time' as const, { signal: timer.signal })]);
    } finally {
      timer.abort();
    }
  }

  /** Asks for some of the blocks that nobody had, and tells of those that somebody has now; gives their number. */
  async #readUnread(): Promise<number> {
    const { scans, chain, unread, listeners } = this.options;
    const gaps = scans.unreadOn(chain.state);
    if (this.#turn >= gaps.length) this.#turn = 0;
    const asked = gaps.slice(this.#turn, this.#turn + UNREAD.atOnce);
    this.#turn += UNREAD.atOnce;
    const found = await Promise.all(asked.map(unread));
    let told = 0;
    for (const [i, gap] of asked.entries()) {
      const txidsInternal = found[i];
      const block = chain.state.at(gap.height);
      if (this.#stopped) return 0;
      // Above the current block it will be told in its turn.
      if (!txidsInternal || block?.hash !== gap.hash || gap.height > (this.current?.height ?? 0)) continue;
      for (const listener of listeners) await listener.blockRead?.({ block, txidsInternal });
      told++;
    }
    return told;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** One block up or down; false if the feed is level with the chain. */
  async #step(): Promise<boolean> {
    const { state } = this.options.chain;
    const { current } = this;
    // One that was taken back and came again is told again: for what was accepted meanwhile.
    if (current && !state.isBestSince(current, current.position)) {
      await this.#disconnect(current);
      return true;
    }
    if (!current) this.#begin();
    const first = current ? current.height + 1 : this.#next;
    const blocks = Array.from({ length: RUN.blocks }, (_, i) => state.at(first + i)).filter((block) => !!block);
    if (blocks.length === 0) return false;
    await this.#connect(await this.#readRun(blocks));
    return true;
  }

  #begin(): void {
    const { chain, scans, recentStarts, lookBack } = this.options;
    const root = chain.state.root?.height ?? 0;
    const scanned = scans.highestOn(chain.state)?.height ?? root;
    this.#next = Math.max(root, Math.min(scanned - lookBack, recentStarts.lowest - lookBack + 1));
  }

  /** Reads blocks, some at once, until they are enough for a run. */
  async #readRun(candidates: readonly WindowBlock[]): Promise<Run> {
    const blocks: WindowBlock[] = [];
    const read: ReadBlock[] = [];
    let bytes = 0;
    for (let at = 0; at < candidates.length && bytes < RUN.bytes; at += READ_AT_ONCE) {
      const some = candidates.slice(at, at + READ_AT_ONCE);
      const txids = await Promise.all(some.map((block) => this.options.txids(block)));
      for (const [i, block] of some.entries()) {
        const txidsInternal = txids[i];
        blocks.push(block);
        if (txidsInternal) read.push({ block, txidsInternal });
        bytes += txidsInternal?.length ?? 0;
      }
    }
    return { blocks, read };
  }

  async #connect(run: Run): Promise<void> {
    for (const listener of this.options.listeners) {
      if (this.#stopped) return;
      await listener.blocksConnected(run);
    }
    this.#told.push(...run.blocks);
    if (this.#told.length > REMEMBERED) this.#told.splice(0, this.#told.length - REMEMBERED);
  }

  async #disconnect(block: WindowBlock): Promise<void> {
    for (const listener of this.options.listeners) await listener.blockDisconnected(block);
    this.#told.pop();
  }
}
