import type { Logger } from 'pino';
import { userAggregate } from '../../events/aggregate.js';
import type { Position, UserId } from '../../events/ids.js';
import type { StoredBlob } from '../../events/log/blobs.js';
import type { ShardState } from '../../projections/shard-state.js';
import { type Bookings, withBookings } from '../../projections/user.js';
import type { BlockListener } from '../runtime/block-feed.js';
import { Mailbox } from '../runtime/mailbox.js';
import type { Transactor } from '../runtime/transact.js';
import { why } from '../runtime/why.js';
import { userDecider } from './decisions.js';

/**
 * The BlobSweeper: the Gatekeeper's broom. It erases blobs, and finds those that nobody refers to.
 *
 *   Gatekeeper --erase--> BlobSweeper --erase--> blob store
 *   block feed --blocks-->     |
 *                              +--BlobsSwept--> log
 *
 * takes   erase             a blob whose appointment ended; what fails is tried again
 *         blocksConnected   a time to look for blobs that were stored since: all of them when a node starts
 * emits   BlobsSwept        before the blobs are erased that no commit came to refer to, whatever the reason: a crash
 *                           between blob and commit, a refused append, an erasure that a crash prevented
 *
 * Any node may sweep, and all of them do: what is swept is decided on the log.
 */
export class BlobSweeper implements BlockListener {
  readonly #mailbox = new Mailbox();
  readonly #failed = new Set<Position>();
  #through: Position = 0;
  #isDue = false;
  #overwritten = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(private readonly needs: BlobSweeperNeeds) {}

  start(): void {
    this.#wake();
  }

  stop(): void {
    this.#stopped = true;
  }

  async blocksConnected(): Promise<void> {
    this.#wake();
  }

  async blockDisconnected(): Promise<void> {}

  /** Erases a blob in the background. */
  erase(position: Position): void {
    this.#send(() => this.#erase(position));
  }

  /** Resolves when all that was asked so far is done, or failed. */
  idle(): Promise<void> {
    return this.#mailbox.idle();
  }

  #wake(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#send(() => {
      this.#isDue = false;
      return this.#sweep();
    });
  }

  async #sweep(): Promise<void> {
    for (const position of [...this.#failed]) await this.#erase(position);
    // Each live appointment has one: with no more than that, nearly always, there is no need to look at each.
    if ((await this.needs.blobs.count()) <= this.needs.state().counts.appointments) return;
    const { old, areAll } = await this.#oldOnes();
    for (const [userId, blobs] of byUser(old)) if (!this.#stopped) await this.#sweepUser(userId, blobs);
    // Should there be too many still, then one was wanted when it was looked at, and is not any more.
    this.#through = areAll ? 0 : (old.at(-1)?.position ?? this.#through);
  }

  /** The blobs after those that were looked at before, up to the first that is young; and whether there is none. */
  async #oldOnes(): Promise<{ old: readonly StoredBlob[]; areAll: boolean }> {
    const before = Date.now() - (this.needs.olderThanMs ?? OLD_MS);
    const found: StoredBlob[] = [];
    for await (const page of this.needs.blobs.list(this.#through)) {
      const old = page.filter(({ storedAt }) => storedAt <= before);
      found.push(...old);
      if (this.#stopped || old.length < page.length) return { old: found, areAll: false };
    }
    return { old: found, areAll: true };
  }

  async #sweepUser(userId: UserId, blobs: readonly Position[]): Promise<void> {
    const outcome = await this.needs.transactor.transact({
      aggregate: userAggregate(userId),
      read: (shard) => shard.user(userId),
      decide: (state) =>
        userDecider.decide({ kind: 'sweep', blobs, isWanted: this.#wantedBy(userId) }, withBookings(state, NONE)),
      patience: Number.POSITIVE_INFINITY,
    });
    if (outcome.kind !== 'swept' || outcome.blobs.length === 0) return;
    this.needs.log.info({ user: userId, blobs: outcome.blobs.length }, 'blobs that nobody refers to are erased');
    for (const position of outcome.blobs) await this.#erase(position);
  }

  /** Whether a live appointment of the user refers to a blob. */
  #wantedBy(userId: UserId): (position: Position) => boolean {
    const live = Array.from(this.needs.state().bookedBy(userId)).filter(({ status }) => status === 'live');
    const wanted = new Set(live.map(({ blob }) => blob));
    return (position) => wanted.has(position);
  }

  /** A few are overwritten on the server's disk at once. Of many at a time, most are left to its compaction. */
  async #erase(position: Position): Promise<void> {
    const now = performance.now();
    const overwrite = now - this.#overwritten >= OVERWRITE_EVERY_MS;
    if (overwrite) this.#overwritten = now;
    try {
      await this.needs.blobs.erase(position, overwrite);
      this.#failed.delete(position);
    } catch (error) {
      this.#failed.add(position);
      throw error;
    }
  }

  #send(work: () => Promise<void>): void {
    this.#mailbox.send(work).catch((error: Error & { code?: string }) => {
      if (this.#stopped) return;
      if (error.code !== 'log-unavailable') return this.needs.fail(error);
      this.needs.log.warn(why(error), 'blobs are not erased yet; tried again at the next block');
    });
  }
}

/**
 * How old a blob is that is looked at, in milliseconds: far longer than a request takes, so that hardly ever one is
 * disturbed. A clock that is wrong, or a request that takes longer, costs that request an answer, and nothing else.
 */
const OLD_MS = 10 * 60_000;

const NONE: Bookings = new Map();

/** Overwriting writes 8 MB: once a second it is no burden. */
const OVERWRITE_EVERY_MS = 1_000;

function byUser(blobs: readonly StoredBlob[]): Map<UserId, Position[]> {
  const positions = new Map<UserId, Position[]>();
  for (const { userId, position } of blobs) {
    const known = positions.get(userId);
    if (known) known.push(position);
    else positions.set(userId, [position]);
  }
  return positions;
}

export interface BlobSweeperNeeds {
  readonly transactor: Transactor;
  /** The blobs of one shard. */
  readonly blobs: {
    count(): Promise<number>;
    list(after: Position): AsyncIterable<StoredBlob[]>;
    erase(position: Position, overwrite: boolean): Promise<void>;
  };
  readonly state: () => Pick<ShardState, 'counts' | 'bookedBy'>;
  /** How old a blob is before it is looked at; ten minutes unless told. */
  readonly olderThanMs?: number;
  readonly fail: (error: Error) => void;
  readonly log: Logger;
}
