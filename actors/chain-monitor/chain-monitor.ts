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
import { inTime } from '../runtime/in-time.js';
import { why } from '../runtime/why.js';
import type { Block, BlockSource } from './block-source.js';
import { firstNewHeight, readAhead } from './branch.js';
import { commitsOf, EVENTS_A_COMMIT, type Header, hasMoreWork, isOnTopOf, pathTo } from './decisions.js';
import { type Network, networkOf } from './networks.js';
import { Uptime } from './uptime.js';

/**
 * The ChainMonitor: a node's own bitcoind against the chain on the log. One per node.
 *
 *   bitcoind --ZMQ hashblock, polling--> ChainMonitor --BlockConnected, BlockDisconnected--> CHAIN
 *            <---------RPC------------        |
 *                                             +--txids of each block, before its event--> TXIDS
 *
 * takes   wake   a block may have come: the one announced is read at once, whatever the log is doing, and told; then
 *                bitcoind is asked for its best chain
 * emits   BlockConnected, BlockDisconnected   the path from the log's tip to bitcoind's, if that has more work
 *
 * told   announced   a block that bitcoind has been asked for just now
 *        found       bitcoind's new best block, before any of it is on the log
 *        restarted   bitcoind was started anew
 *
 * A bitcoind that is away is waited for. One that is behind, or on a losing fork, is not an event.
 */
export class ChainMonitor {
  #awake: () => void = () => {};
  #pending = true;
  #announced: Promise<Block | undefined> | undefined;
  #reading = 0;
  #stopped = false;
  #reachable: boolean | undefined;
  #trouble: string | undefined;
  #checked = false;
  readonly #uptime = new Uptime();

  constructor(private readonly needs: ChainMonitorNeeds) {}

  /** Whether bitcoind answered when it was last asked; undefined before that. */
  get bitcoindReachable(): boolean | undefined {
    return this.#reachable;
  }

  wake(announced?: BlockHash): void {
    if (announced && this.#checked && this.#reading < READ_AT_ONCE) {
      this.needs.seen?.(announced);
      this.#announced = this.#readAnnounced(announced);
      setImmediate(this.needs.announced); // the question goes out first
    }
    this.#pending = true;
    this.#awake();
  }

  stop(): void {
    this.#stopped = true;
    this.#awake();
  }

  /** Watches until stopped; rejects with `UnfitBitcoindError`, or when something is broken beyond waiting. */
  async run(): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.needs.stopping.addEventListener('abort', () => resolve(), { once: true });
    });
    while (!this.#stopped) {
      // A call that bitcoind does not answer must not hold up the node's end.
      if (this.#pending) await Promise.race([this.#catchUp(), stopped]);
      else await new Promise<void>((resolve) => (this.#awake = resolve));
    }
  }

  async #catchUp(): Promise<void> {
    this.#pending = false;
    try {
      await this.#checkBitcoind();
      if (await this.#advance()) this.#pending = true;
      else await this.#noticeRestart();
      this.#answered();
    } catch (error) {
      if (!this.#stopped) await this.#waitOut(error);
    }
  }

  /** Undefined if it cannot be had, or is nothing new: the announcement is only a hint, perhaps of another bitcoind. */
  async #readAnnounced(hash: BlockHash): Promise<Block | undefined> {
    this.#reading++;
    try {
      const block = await this.needs.blocks.block(hash);
      if (!hasMoreWork(block.connected, this.needs.fold.state.tip)) return undefined;
      // The breaches come first: putting a block on the log keeps the processors, the disk and bitcoind from them.
      await inTime(this.needs.found(block), ANSWER_MS);
      return block;
    } catch {
      return undefined; // bitcoind is asked for its best block all the same, and then what is wrong is said
    } finally {
      this.#reading--;
    }
  }

  /** Moves the log towards bitcoind's chain: first to the block that it announced. False if there is nothing to do. */
  async #advance(): Promise<boolean> {
    const reading = this.#announced;
    this.#announced = undefined;
    const announced = await reading;
    if (announced && (await this.#advanceTo(announced))) return true;
    const { blocks, fold } = this.needs;
    const hash = await blocks.bestHash();
    // The whole block, since it is nearly always the next one: then this is the only call.
    return hash !== fold.state.tip?.hash && this.#advanceTo(await blocks.block(hash));
  }

  async #advanceTo(best: Block): Promise<boolean> {
    // What the path is found for; should another node append meanwhile, ours is refused and found anew.
    const { tip, position } = this.needs.fold.state;
    if (!hasMoreWork(best.connected, tip)) return false;
    if (tip && best.connected.prevHash === tip.hash) {
      await this.#publish(best);
      await this.#append([best.connected], position);
    } else await this.#connect(best.connected, tip, position);
    return true;
  }

  /** Connects bitcoind's best chain, from where it leaves the log's. Stops short when another node was faster. */
  async #connect({ height: to }: Header, tip: WindowBlock | undefined, position: Position): Promise<void> {
    const { blocks, fold, firstBlocks } = this.needs;
    // A new log begins some blocks before bitcoind's tip.
    const from = tip ? await firstNewHeight(blocks, fold.state, to) : Math.max(0, to - firstBlocks + 1);
    let expected = position;
    let ready: BlockConnected[] = [];
    for await (const batch of readAhead(blocks, from, to, (block) => this.#publish(block))) {
      if (this.#stopped) return;
      ready.push(...batch.map(({ connected }) => connected));
      if (!isCommitful(ready) && ready.at(-1)?.height !== to) continue;
      if (!hasMoreWork(ready.at(-1) as Header, fold.state.tip)) continue;
      const appended = await this.#appendPath(ready, expected);
      if (appended === undefined) return;
      expected = appended;
      ready = [];
    }
  }

  /** Appends what leads to these blocks; gives the position to go on from, or undefined if another node was faster. */
  async #appendPath(ready: readonly BlockConnected[], position: Position): Promise<Position | undefined> {
    const { state } = this.needs.fold;
    const { tip } = state;
    const { disconnect, connect } = tip ? pathTo(ready.toReversed(), state) : { disconnect: [], connect: ready };
    if (tip && !isOnTopOf(connect[0] as Header, state)) return undefined;
    let expected = position;
    for (const events of commitsOf(disconnect, ready, tip)) {
      const appended = await this.#append(events, expected);
      if (appended.kind === 'conflict') return undefined;
      expected = appended.position;
    }
    return expected;
  }

  /** A block's txids, before its event; those of a block that bitcoind has pruned are another's to publish. */
  async #publish({ connected, txidsInternal }: Block): Promise<void> {
    if (txidsInternal) await this.needs.txids.publish(connected.hash, txidsInternal);
  }

  async #append(events: readonly ChainEvent[], expected: Position): Promise<Appended> {
    const { fold, log, node, stopping } = this.needs;
    const commit = newCommit(chainAggregate, events, node, Date.now()) as Omit<Commit, 'position'>;
    const patience = Number.POSITIVE_INFINITY;
    const appended = await log.append(commit, { shard: 0 as Shard, expected, patience, signal: stopping });
    await fold.reached(appended.position);
    const last = events.at(-1);
    if (appended.kind === 'appended' && last && 'hash' in last)
      this.needs.logger.info({ height: last.height, hash: last.hash, events: events.length }, 'chain advanced');
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

  /** A bitcoind that was started anew may have lost its mempool: what is unconfirmed has to be sent again. */
  async #noticeRestart(): Promise<void> {
    if (!this.#uptime.isOfAnotherRun(await this.needs.blocks.uptime(), performance.now())) return;
    this.needs.logger.info('bitcoind was started anew');
    this.needs.restarted();
  }

  /** bitcoind or the log being away is waiting. */
  async #waitOut(error: unknown): Promise<void> {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const trouble = TROUBLES[code];
    if (!trouble) throw error;
    if (trouble !== NO_LOG) {
      this.#reachable = code === 'bitcoind-refused';
      // It may come back as another one.
      if (!this.#reachable) this.#checked = false;
    }
    if (trouble !== this.#trouble) this.needs.logger.warn(why(error), trouble);
    this.#trouble = trouble;
    this.#pending = true;
    await sleep(RETRY_MS, undefined, { signal: this.needs.stopping }).catch(() => undefined);
  }

  #answered(): void {
    if (this.#reachable && !this.#trouble) return;
    const trouble = this.#trouble;
    this.#reachable = true;
    this.#trouble = undefined;
    this.needs.logger.info(trouble === NO_LOG ? 'the log takes blocks again' : 'bitcoind answers');
  }
}

/** Whether blocks are enough for a commit: of full ones few, so that they are evaluated while the next are read. */
const isCommitful = (blocks: readonly BlockConnected[]): boolean =>
  blocks.length >= EVENTS_A_COMMIT || blocks.reduce((sum, { txCount }) => sum + txCount, 0) >= TXS_A_COMMIT;

const TXS_A_COMMIT = 50_000;

const RETRY_MS = 500;
/** How long a block waits for its breaches to be answered before it goes on the log all the same, in ms. */
const ANSWER_MS = 200;
/** How many announced blocks are read at once; of more, the last ones are found when bitcoind is asked. */
const READ_AT_ONCE = 4;
const NO_LOG = 'the log takes no blocks; waiting for it';
/** What is waited out, and what people are told of it: once, until it is over or becomes another. */
const TROUBLES: Readonly<Record<string, string>> = {
  'bitcoind-unreachable': 'bitcoind does not answer; waiting for it',
  'bitcoind-unauthorized': 'bitcoind does not accept our credentials; waiting until it does',
  'bitcoind-refused': 'bitcoind refuses a question, which is asked again',
  'log-unavailable': NO_LOG,
};

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
  /** Told of a block when bitcoind announces it. */
  readonly seen?: ((hash: BlockHash) => void) | undefined;
  /** Told when bitcoind has announced a block and is asked for it: for what is better done before it is there. */
  readonly announced: () => void;
  /**
   * Told of each block that bitcoind takes for the best, as soon as it is read. What it gives resolves when the breaches in
   * it were answered, or could not be.
   */
  readonly found: (block: Block) => Promise<unknown>;
  /** Told when bitcoind is found to be another run of the program than before. */
  readonly restarted: () => void;
  readonly stopping: AbortSignal;
  readonly logger: Logger;
}
