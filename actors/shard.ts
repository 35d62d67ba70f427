import type { Logger } from 'pino';
import { fromHex, sha256 } from '../events/bytes.js';
import type { BlockRef } from '../events/chain.js';
import type { ChainCommit, ShardCommit } from '../events/commit.js';
import type { Shard as ShardId, TowerId, UserId } from '../events/ids.js';
import type { BlobStore } from '../events/log/blobs.js';
import type { CommitLog } from '../events/log/commit-log.js';
import { towerStream } from '../events/log/streams.js';
import type { BlockWindow } from '../projections/block-window.js';
import { Fold } from '../projections/fold.js';
import { ShardState } from '../projections/shard-state.js';
import type { Booked } from '../projections/watchlist.js';
import type { BlockTxids } from './block-txids.js';
import { Bookings, type Found } from './bookings.js';
import type { Seen } from './breach-report.js';
import { BlobSweeper } from './gatekeeper/blob-sweeper.js';
import { Gatekeeper } from './gatekeeper/gatekeeper.js';
import type { GatekeeperNeeds, Terms } from './gatekeeper/needs.js';
import type { SignReceipt } from './gatekeeper/receipts.js';
import { LocatorCache } from './locator-cache/locator-cache.js';
import type { Meter } from './meter.js';
import type { Notary } from './notary/notary.js';
import type { PenaltyCarrier } from './responder/attempts.js';
import { Responder } from './responder/responder.js';
import { BlockFeed } from './runtime/block-feed.js';
import type { Running } from './runtime/supervisor.js';
import { Transactor } from './runtime/transact.js';
import { why } from './runtime/why.js';
import { type MempoolView, MempoolWatcher } from './watcher/mempool-watcher.js';
import { ScanRecord } from './watcher/scan-record.js';
import { Watcher } from './watcher/watcher.js';

/** The shard of a user: the first four bytes of SHA-256 of its key, modulo their number. */
export const shardOf = (userId: UserId, shards: number): ShardId =>
  (shards === 1 ? 0 : Buffer.from(sha256(fromHex(userId))).readUInt32BE(0) % shards) as ShardId;

/** How long the operator waits for an appointment to be read, in ms. */
const READ_MS = 2_000;

/** A block as the ChainMonitor reads it. */
interface FoundBlock {
  readonly connected: BlockRef;
  readonly txidsInternal: Uint8Array | undefined;
}

export interface ShardNeeds {
  readonly shard: ShardId;
  readonly node: string;
  /** What is folded already; nothing unless told. */
  readonly state?: ShardState;
  readonly log: CommitLog;
  readonly blobs: Pick<BlobStore, keyof BlobStore>;
  readonly chain: Fold<ChainCommit, BlockWindow>;
  readonly txids: BlockTxids;
  readonly carrier: PenaltyCarrier;
  readonly mempool: MempoolView;
  readonly sign: SignReceipt;
  /** The identity that newcomers are served by; undefined for the log's first. */
  readonly identity?: () => TowerId | undefined;
  readonly terms: Terms;
  /** How many blocks the locator cache holds. */
  readonly locatorCacheSize: number;
  readonly held: () => number;
  readonly users: () => number;
  /** Whether somebody may register. */
  readonly admit: GatekeeperNeeds['admit'];
  /** Makes the shard's Notary; without it nothing is signed of the log. */
  readonly notary?: (shard: ShardId, fold: Fold<ShardCommit, ShardState>) => Notary;
  readonly meter?: Meter;
  readonly stopping: AbortSignal;
  readonly logger: Logger;
}

/**
 * One shard of the tower on this node: its folded state, and the actors that act on it.
 *
 * It is started and thrown away as a whole. Whatever fails in it, the next one is made from the log.
 */
export class Shard implements Running {
  readonly fold: Fold<ShardCommit, ShardState>;
  readonly gatekeeper: Gatekeeper;
  readonly locatorCache: LocatorCache;
  readonly #notary: Notary | undefined;
  readonly #watcher: Watcher;
  readonly #mempoolWatcher: MempoolWatcher;
  readonly #responder: Responder;
  readonly #sweeper: BlobSweeper;
  readonly #transactor: Transactor;
  readonly #bookings: Bookings;
  readonly #breached: Bookings;
  readonly #readTxids: (block: BlockRef) => Promise<Uint8Array | undefined>;
  #feed: BlockFeed | undefined;
  #failed = false;

  /**
   * Starts a shard: resolves when it is level with the log and acts. `fail` is called once, if it cannot go on;
   * `replaying` at once, with the state as it is folded.
   */
  static async start(
    needs: ShardNeeds,
    fail: (error: Error) => void,
    replaying: (state: ShardState) => void = () => {},
  ): Promise<Shard> {
    const shard = new Shard(needs, fail);
    replaying(shard.fold.state);
    try {
      await shard.#begin();
      return shard;
    } catch (error) {
      await shard.stop();
      throw error;
    }
  }

  private constructor(
    private readonly needs: ShardNeeds,
    private readonly onFailure: (error: Error) => void,
  ) {
    const { shard, node, state = new ShardState(), log, chain, carrier, sign, terms, held, blobs, meter } = needs;
    const logger = needs.logger.child({ shard });
    const fail = (error: Error) => this.#fail(error);
    const fold = new Fold<ShardCommit, ShardState>(log, towerStream(shard), shard, state, fail);
    const transactor = new Transactor(shard, log, fold, node, meter);
    const sighted = (seen: Seen) => this.#responder.sighted(seen);
    const reading = (error: Error) => logger.warn(why(error), 'waiting to read an appointment');
    // What is read for clients, who may ask for thousands, is not before what is read for a breach.
    const bookings = new Bookings(log, shard, reading);
    const breached = new Bookings(log, shard, reading);
    this.fold = fold;
    this.#notary = needs.notary?.(shard, fold);
    this.#bookings = bookings;
    this.#breached = breached;
    this.#transactor = transactor;
    const scans = new ScanRecord(transactor, logger.child({ actor: 'watcher' }));
    /** Whoever goes on without a block has put that on the log first. */
    const txids = async (block: BlockRef) => {
      const found = await needs.txids.of(block);
      if (!found) await scans.unread(block);
      return found;
    };
    this.#readTxids = txids;
    this.#responder = new Responder({
      fold,
      chain,
      transactor,
      bookings: breached,
      carrier,
      txids,
      blob: (ref) => blobs.get(shard, ref),
      blobAt: (position) => blobs.expect(shard, position),
      meter,
      fail,
      log: logger.child({ actor: 'responder' }),
    });
    this.locatorCache = new LocatorCache({
      size: needs.locatorCacheSize,
      chain,
      txids,
      transactor,
      sighted,
      meter,
      fail,
      log: logger.child({ actor: 'locator-cache' }),
    });
    this.#sweeper = new BlobSweeper({
      transactor,
      blobs: {
        count: () => blobs.count(shard),
        list: (after) => blobs.list(shard, after),
        erase: (position, overwrite) => blobs.erase(shard, position, overwrite),
      },
      state: () => fold.state,
      fail,
      log: logger.child({ actor: 'gatekeeper' }),
    });
    this.gatekeeper = new Gatekeeper({
      fold,
      chain,
      transactor,
      blobs: {
        put: (userId, blob, sha256) => blobs.put(shard, userId, blob, sha256),
        erase: (position) => this.#sweeper.erase(position),
      },
      bookings,
      recent: this.locatorCache,
      isAnswering: (id, blob) => this.#responder.isAnswering(id, blob),
      terms,
      held,
      users: needs.users,
      admit: needs.admit,
      sign,
      ...(needs.identity && { identity: needs.identity }),
      fail,
      log: logger.child({ actor: 'gatekeeper' }),
    });
    this.#watcher = new Watcher({
      fold,
      transactor,
      scans,
      bookings: breached,
      chain,
      sighted,
      foreseen: (block, candidates) => this.#responder.foreseen(block, candidates),
      recent: this.locatorCache,
      log: logger.child({ actor: 'watcher' }),
    });
    this.#mempoolWatcher = new MempoolWatcher({
      fold,
      chain,
      transactor,
      mempool: needs.mempool,
      txids,
      bookings: breached,
      sighted,
      fail,
      log: logger.child({ actor: 'mempool-watcher' }),
    });
  }

  /**
   * This node's bitcoind has a new best block, which may not be on the log yet, and may never be. Resolves when the breaches
   * in it were answered, or could not be.
   */
  async blockFound({ connected, txidsInternal }: FoundBlock): Promise<void> {
    if (!txidsInternal) return;
    await this.#watcher.blockFound({ block: connected, txidsInternal }).catch((error) => this.#fail(error));
  }

  /** An appointment of the folded state, as it is on the log. Rejects with `LogUnavailableError`. */
  read(booked: Booked): Promise<Found> {
    return this.#bookings.at(booked, READ_MS);
  }

  /** bitcoind is another run of the program than before. */
  bitcoindRestarted(): void {
    this.#responder.bitcoindRestarted();
  }

  /** How far the log is signed; undefined without a Notary. */
  get signed(): Notary['report'] | undefined {
    return this.#notary?.report;
  }

  /** How often it tried to append since it was started, and how often another node was faster. */
  get appends(): Transactor['counts'] {
    return this.#transactor.counts;
  }

  async stop(): Promise<void> {
    this.#failed = true;
    this.#feed?.stop();
    this.#notary?.stop();
    this.#mempoolWatcher.stop();
    this.#responder.stop();
    this.#sweeper.stop();
    this.#transactor.stop();
    this.#bookings.stop();
    this.#breached.stop();
    this.fold.stop();
  }

  async #begin(): Promise<void> {
    const { chain, locatorCacheSize: lookBack, stopping, logger, shard } = this.needs;
    stopping.addEventListener('abort', () => void this.stop(), { once: true });
    this.fold.on('waiting', (error) => logger.warn({ ...why(error), shard }, "waiting for the shard's stream"));
    await chain.level();
    await this.fold.level();
    this.fold.on('folded', (commit) => {
      this.locatorCache.folded(commit);
      this.#mempoolWatcher.folded(commit);
      this.#responder.folded(commit);
      this.gatekeeper.folded(commit);
      this.#notary?.folded(commit);
    });
    this.#responder.start();
    this.gatekeeper.start();
    this.#sweeper.start();
    this.#mempoolWatcher.start();
    this.#notary?.start();
    // The cache first: what the Watcher does not find in the folded state any more must find the block there.
    const listeners = [this.locatorCache, this.#watcher, this.#responder, this.gatekeeper, this.#sweeper];
    const txids = this.#readTxids;
    const unread = (block: BlockRef) => this.needs.txids.ifAny(block).catch(() => undefined);
    const { scans, recentStarts } = this.fold.state;
    this.#feed = new BlockFeed({ chain, scans, recentStarts, lookBack, txids, unread, listeners });
    void this.#feed.run().catch((error) => this.#fail(error));
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.onFailure(error);
  }
}
