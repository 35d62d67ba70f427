import { setImmediate as breathe } from 'node:timers/promises';
import type { Logger } from 'pino';
import { fromHex, reversed } from '../../events/bytes.js';
import type { BlockRef } from '../../events/chain.js';
import type { ChainCommit, ShardCommit } from '../../events/commit.js';
import type { AppointmentId, Locator } from '../../events/ids.js';
import type { SchemeName } from '../../events/schemes/scheme.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { Booked } from '../../projections/watchlist.js';
import { includesTxid } from '../block-txids.js';
import type { Bookings } from '../bookings.js';
import { type Hit, reportBreach, reportSighted, type Seen, txidOf } from '../breach-report.js';
import type { Transactor } from '../runtime/transact.js';

/**
 * The MempoolWatcher: the Watcher and the LocatorCache of what is not mined yet.
 *
 *   Mempool --txid--------------> MempoolWatcher --BreachSighted--> log
 *   fold ----new appointments-------->  |
 *                                       +--sighting--> Responder (at once)
 *
 * takes   a transaction that is in the mempool   looked up once per scheme among known appointments
 *         folded                                 a new appointment, looked up in the mempool; a new sighting
 * emits   BreachSighted                          for each hit that is the first of its appointment
 *         BreachDetected                         where a block before its appointment holds what was sighted
 *
 * Either the transaction is in the memory before its appointment is folded, or the appointment is in the watchlist
 * before the transaction comes: nothing falls between.
 */
export class MempoolWatcher {
  #end: (() => void) | undefined;
  #stopped = false;

  constructor(private readonly needs: MempoolWatcherNeeds) {}

  /** Looks up what is in the mempool already, and from now on whatever comes into it. */
  start(): void {
    const { fold, mempool, fail } = this.needs;
    this.#end = mempool.onAdded((txidInternal) => this.#lookUp(txidInternal));
    void this.#lookUpAll().catch(fail);
    for (const [id] of fold.state.trackers()) void this.#lookBack(id).catch(fail);
  }

  stop(): void {
    this.#stopped = true;
    this.#end?.();
  }

  /** Looks at a commit that was folded just now. */
  folded(commit: ShardCommit): void {
    if (commit.aggregate.kind === 'tracker' && commit.events.some(({ type }) => type === 'BreachSighted'))
      void this.#lookBack(commit.aggregate.id).catch(this.needs.fail);
    if (commit.aggregate.kind !== 'user') return;
    for (const event of commit.events) {
      if (event.type !== 'AppointmentAccepted') continue;
      const txidInternal = this.needs.mempool.find(event.scheme, event.locator);
      if (txidInternal) this.#report({ ...event, userId: commit.aggregate.id }, txidInternal);
    }
  }

  async #lookUpAll(): Promise<void> {
    let looked = 0;
    for (const txidInternal of this.needs.mempool.txids()) {
      if (this.#stopped) return;
      this.#lookUp(txidInternal);
      if (++looked % AT_ONCE === 0) await breathe();
    }
  }

  #lookUp(txidInternal: Uint8Array): void {
    const candidates = this.needs.fold.state.watchlist.lookUp(txidInternal);
    if (candidates.length > 0) void this.#reportAll(txidInternal, candidates).catch(this.needs.fail);
  }

  async #reportAll(txidInternal: Uint8Array, candidates: readonly Booked[]): Promise<void> {
    const hits = await this.needs.bookings.waitingFor(txidInternal, candidates);
    if (!this.#stopped) for (const hit of hits) this.#report(hit, txidInternal);
  }

  #report(hit: Hit, txidInternal: Uint8Array): void {
    const { fold, chain, transactor, sighted, fail, log } = this.needs;
    const { tip } = chain.state;
    if (!tip) throw new TypeError('an appointment without a chain');
    const seen: Seen = { hit, disputeTxid: txidOf(txidInternal), block: null };
    const isNews = fold.state.tracker(hit.appointmentId).state.stage === 'none';
    sighted(seen);
    if (!isNews) return;
    log.info({ locator: hit.locator, user: hit.userId, dispute: seen.disputeTxid }, 'breach in the mempool');
    void reportSighted(transactor, seen, tip.height).catch(fail);
  }

  /**
   * Looks for a sighted dispute in the blocks before its appointment: a bitcoind that is behind the log's chain has in its
   * mempool what may be mined there, and nobody else compares an appointment with blocks that were not recent when it came.
   */
  async #lookBack(appointmentId: AppointmentId): Promise<void> {
    const { fold, bookings, chain, transactor, txids } = this.needs;
    const { state } = fold.state.tracker(appointmentId);
    if (state.stage === 'none' || state.sightedAt === null) return;
    const { locator, disputeTxid, sightedAt } = state;
    const booked = fold.state.booked({ appointmentId, locator });
    if (!booked) return;
    const hit = await bookings.of(appointmentId, booked, Number.POSITIVE_INFINITY);
    const txidInternal = reversed(fromHex(disputeTxid));
    for (const { height, hash } of chain.state.from(sightedAt - FARTHEST_BEHIND + 1)) {
      if (this.#stopped || height > hit.startBlock) return;
      const block = { height, hash };
      const found = await txids(block);
      if (!found || !includesTxid(found, txidInternal)) continue;
      await reportBreach({ transactor, chain }, { hit, disputeTxid, block, foundBy: 'locator-cache' });
      return;
    }
  }
}

/** How many blocks a bitcoind may be behind the log's chain and see in its mempool what that holds already. */
const FARTHEST_BEHIND = 100;

/** Transactions that are looked up before others get their turn. */
const AT_ONCE = 500;

/** What a shard needs of the node's memory of the mempool; it is empty where that is not watched. */
export interface MempoolView {
  /** 32 bytes each, internal order. */
  txids(): Iterable<Uint8Array>;
  find(scheme: SchemeName, hint: Locator): Uint8Array | undefined;
  /** Tells of each transaction from now on, once it can be found; gives the function that ends it. */
  onAdded(listener: (txidInternal: Uint8Array) => void): () => void;
}

export interface MempoolWatcherNeeds {
  readonly fold: Fold<ShardCommit, ShardState>;
  readonly chain: Fold<ChainCommit, BlockWindow>;
  readonly transactor: Transactor;
  readonly mempool: MempoolView;
  /** Undefined if nobody has the block, and then the log says so. */
  readonly txids: (block: BlockRef) => Promise<Uint8Array | undefined>;
  readonly bookings: Pick<Bookings, 'of' | 'waitingFor'>;
  /** Hears of each dispute before it is on the log, and again whenever it comes into the mempool anew. */
  readonly sighted: (seen: Seen) => void;
  readonly fail: (error: Error) => void;
  readonly log: Logger;
}
