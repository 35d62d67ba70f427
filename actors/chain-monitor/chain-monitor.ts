import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { chainAggregate } from '../../events/aggregate.js';
import type { BlockConnected, ChainEvent } from '../../events/chain.js';
import { type ChainCommit, type Commit, newCommit } from '../../events/commit.js';
import type { BlockHash, Position, Shard } from '../../events/ids.js';
import type { CommitLog } from '../../events/log/commit-log.js';
import type { Appended } from '../../events/log/log.js';
import type { BlockWindow, WindowBlock } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import type { BlockTxids } from '../block-txids.js';
import { why } from '../runtime/why.js';
import type { Block, BlockSource } from './block-source.js';
import { type ChainPath, commitsOf, type Header, hasMoreWork, pathTo } from './decisions.js';
import { type Network, networkOf } from './networks.js';

/**
 * The ChainMonitor: a node's own bitcoind against the chain on the log. One per node.
 *
 *   bitcoind --ZMQ hashblock, polling--> ChainMonitor --BlockConnected, BlockDisconnected--> CHAIN
 *            <---------RPC------------        |
 *                                             +--txids of each block, before its event--> TXIDS
 *
 * takes   wake   a block may have come; asks bitcoind for its best chain
 * emits   BlockConnected, BlockDisconnected   the path from the log's tip to bitcoind's, if that has more work
 *
 * A bitcoind that is away is waited for. One that is behind, or on a losing fork, is not an event.
 */
export class ChainMonitor {
  #awake: () => void = () => {};
  #pending = true;
  #stopped = false;
  #reachable: boolean | undefined;
  #checked = false;

  constructor(private readonly needs: ChainMonitorNeeds) {}

  /** Whether bitcoind answered when it was last asked; undefined before that. */
  get bitcoindReachable(): boolean | undefined {
    return this.#reachable;
  }

  wake(): void {
    this.#pending = true;
    this.#awake();
  }

  stop(): void {
    this.#stopped = true;
    this.#awake();
  }

  /** Watches until stopped; rejects with `UnfitBitcoindError`, or when something is broken beyond waiting. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#pending) await this.#catchUp();
      else await new Promise<void>((resolve) => (this.#awake = resolve));
    }
  }

  async #catchUp(): Promise<void> {
    this.#pending = false;
    try {
      await this.#checkBitcoind();
      if (await this.#advance()) this.#pending = true;
      this.#answered(true);
    } catch (error) {
      if (!this.#stopped) await this.#waitOut(error);
    }
  }

  /** Moves the log one step towards bitcoind's chain; false if there is nothing to do. */
  async #advance(): Promise<boolean> {
    const { blocks, fold } = this.needs;
    const best = await blocks.bestHash();
    // What the path is found for; should another node append meanwhile, ours is refused and found anew.
    const { tip, position } = fold.state;
    if (best === tip?.hash) return false;
    // The whole block, since it is nearly always the next one: then this is the only call.
    const block = await blocks.block(best);
    const header: Header = block.connected;
    if (!hasMoreWork(header, tip)) return false;
    const path = tip ? pathTo(await this.#branch(header), fold.state) : await this.#firstPath(header);
    await this.#publish(path, block, tip, position);
    return true;
  }

  /** Headers from a tip down to the first whose parent is on the log's best chain. */
  async #branch(tip: Header): Promise<Header[]> {
    const { fold, blocks } = this.needs;
    const root = fold.state.root?.height ?? 0;
    const branch = [tip];
    for (let lowest = tip; ; branch.push(lowest)) {
      const parentHeight = lowest.height - 1;
      if (parentHeight < root || fold.state.isBest({ height: parentHeight, hash: lowest.prevHash })) return branch;
      lowest = await blocks.header(lowest.prevHash);
    }
  }

  /** A new log begins some blocks before bitcoind's tip. */
  async #firstPath(tip: Header): Promise<ChainPath> {
    const first = Math.max(0, tip.height - this.needs.firstBlocks + 1);
    const connect: Header[] = [];
    for (let height = first; height <= tip.height; height++) connect.push(await this.needs.blocks.headerAt(height));
    return { disconnect: [], connect };
  }

  /** Publishes each block's txids, then its event. Stops short when another node was faster. */
  async #publish(
    { disconnect, connect }: ChainPath,
    best: Block,
    tip: WindowBlock | undefined,
    position: Position,
  ): Promise<void> {
    const { txids, blocks } = this.needs;
    const chunk = disconnect.length > 0 ? connect : connect.slice(0, 100);
    const connected: BlockConnected[] = [];
    for (const { hash } of chunk) {
      const block = hash === best.connected.hash ? best : await blocks.block(hash);
      await txids.publish(hash, block.txidsInternal);
      connected.push(block.connected);
    }
    let expected = position;
    for (const events of commitsOf(disconnect, connected, tip)) {
      const appended = await this.#append(events, expected);
      if (appended.kind === 'conflict') return;
      expected = appended.position;
    }
  }

  async #append(events: readonly ChainEvent[], expected: Position): Promise<Appended> {
    const { fold, log, node, stopping } = this.needs;
    const commit = newCommit(chainAggregate, events, node, Date.now()) as Omit<Commit, 'position'>;
    const patience = Number.POSITIVE_INFINITY;
    const appended = await log.append(commit, { shard: 0 as Shard, expected, patience, signal: stopping });
    await fold.reached(appended.position);
    const last = events.at(-1);
    if (appended.kind === 'appended')
      this.needs.logger.info({ height: last?.height, hash: last?.hash, events: events.length }, 'chain advanced');
    return appended;
  }

  async #checkBitcoind(): Promise<void> {
    if (this.#checked) return;
    const genesis: BlockHash = await this.needs.blocks.genesis();
    const found = networkOf(genesis) ?? `an unknown network (genesis ${genesis})`;
    if (found !== this.needs.network)
      throw new UnfitBitcoindError(`bitcoind is on ${found}, but this tower is for ${this.needs.network}`);
    const version = await this.needs.blocks.version();
    if (version < OLDEST_BITCOIND)
      throw new UnfitBitcoindError(
        `bitcoind ${dotted(version)} is too old: ${dotted(OLDEST_BITCOIND)} or newer is needed`,
      );
    this.#checked = true;
  }

  /** bitcoind or the log being away is waiting. */
  async #waitOut(error: unknown): Promise<void> {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!OUTAGES.has(code)) throw error;
    if (code !== 'log-unavailable') {
      this.#answered(false, error);
      // It may come back as another one.
      this.#checked = false;
    }
    this.#pending = true;
    await sleep(RETRY_MS, undefined, { signal: this.needs.stopping }).catch(() => undefined);
  }

  #answered(reachable: boolean, error?: unknown): void {
    if (reachable === this.#reachable) return;
    this.#reachable = reachable;
    if (reachable) this.needs.logger.info('bitcoind answers');
    else this.needs.logger.warn(why(error), 'bitcoind does not answer; waiting for it');
  }
}

const RETRY_MS = 500;
const OUTAGES = new Set(['bitcoind-unreachable', 'bitcoind-unauthorized', 'bitcoind-refused', 'log-unavailable']);

/** The oldest bitcoind that can do what the Carrier asks of it (packages, and no limit on what is burnt). */
const OLDEST_BITCOIND = 260_000;

/** 290100 is 29.1. */
const dotted = (version: number): string => `${Math.floor(version / 10_000)}.${Math.floor((version % 10_000) / 100)}`;

/** bitcoind is on another network than the tower was configured for, or too old. */
export class UnfitBitcoindError extends Error {
  readonly code = 'unfit-bitcoind';
}

export interface ChainMonitorNeeds {
  readonly network: Network;
  readonly node: string;
  readonly fold: Fold<ChainCommit, BlockWindow>;
  readonly log: Pick<CommitLog, 'append'>;
  readonly blocks: Pick<BlockSource, keyof BlockSource>;
  readonly txids: Pick<BlockTxids, 'publish'>;
  /** How many blocks before bitcoind's tip a new log begins. */
  readonly firstBlocks: number;
  readonly stopping: AbortSignal;
  readonly logger: Logger;
}
