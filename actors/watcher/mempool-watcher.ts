import { setImmediate as breathe } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ChainCommit, ShardCommit } from '../../events/commit.js';
import type { Locator } from '../../events/ids.js';
import type { SchemeName } from '../../events/schemes/scheme.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { Hit } from '../../projections/watchlist.js';
import { reportSighted, type Seen, txidOf } from '../breach-report.js';
import type { Transactor } from '../runtime/transact.js';

/**
 * The MempoolWatcher: the Watcher and the LocatorCache of what is not mined yet.
 *
 *   Mempool --txid--------------> MempoolWatcher --BreachSighted--> log
 *   fold ----new appointments-------->  |
 *                                       +--sighting--> Responder (at once)
 *
 * takes   a transaction that is in the mempool   looked up once per scheme among known appointments
 *         folded                                 a new appointment, looked up in the mempool
 * emits   BreachSighted                          for each hit that is the first of its appointment
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
    const { mempool, fail } = this.needs;
    this.#end = mempool.onAdded((txidInternal) => this.#lookUp(txidInternal));
    void this.#lookUpAll().catch(fail);
  }

  stop(): void {
    this.#stopped = true;
    this.#end?.();
  }

  /** Looks at a commit that was folded just now. */
  folded(commit: ShardCommit): void {
    if (commit.aggregate.kind !== 'user') return;
    for (const event of commit.events) {
      if (event.type !== 'AppointmentAccepted') continue;
      const { appointmentId, locator, scheme } = event;
      const txidInternal = this.needs.mempool.find(scheme, locator);
      if (txidInternal) this.#report({ appointmentId, locator, userId: commit.aggregate.id }, txidInternal);
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
    for (const hit of this.needs.fold.state.watchlist.lookUp(txidInternal)) this.#report(hit, txidInternal);
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
}

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
  /** Hears of each dispute before it is on the log, and again whenever it comes into the mempool anew. */
  readonly sighted: (seen: Seen) => void;
  readonly fail: (error: Error) => void;
  readonly log: Logger;
}
