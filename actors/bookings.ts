import { setTimeout as sleep } from 'node:timers/promises';
import { userAggregate } from '../events/aggregate.js';
import { toHex } from '../events/bytes.js';
import type { Recorded, ShardCommit } from '../events/commit.js';
import type { AppointmentId, Locator, Position, Shard, UserId } from '../events/ids.js';
import type { CommitLog } from '../events/log/commit-log.js';
import { LogUnavailableError } from '../events/log/errors.js';
import { schemes } from '../events/schemes/schemes.js';
import type { AppointmentAccepted } from '../events/user.js';
import { type Booking, bookingOf, type DeletedBooking } from '../projections/user.js';
import type { Booked } from '../projections/watchlist.js';
import { Turns } from './runtime/turns.js';

/** An appointment as it was accepted, and whose it is. */
export interface Found extends Booking {
  readonly appointmentId: AppointmentId;
  readonly userId: UserId;
}

/** What is asked, and how long the log may take to be there, in ms; see `CommitLog.at`. */
type Patience = number;

const RETRY_MS = 250;
type Commit = Recorded<ShardCommit>;

/** How many commits are remembered. */
const REMEMBERED = 64;
/** So many are read at once, and whoever asks for more waits: more than these the log does not answer in time. */
const READS = 256;
/** More than so many of a user are read in one go. */
const AT_ONCE = 200;

/**
 * The appointments of a shard, read back from its log: the folded state knows where they are, and no more.
 *
 * Every question rejects with `LogUnavailableError` when the log did not answer in time.
 */
export class Bookings {
  readonly #recent = new Map<Position, Promise<Commit>>();
  readonly #reads = new Turns(READS);
  readonly #stopping = new AbortController();

  constructor(
    private readonly log: Pick<CommitLog, 'at' | 'each'>,
    private readonly shard: Shard,
    private readonly onWait: (error: Error) => void,
  ) {}

  /** Ends every wait: they reject. */
  stop(): void {
    this.#stopping.abort(new LogUnavailableError('the shard is stopped'));
  }

  /** The appointment of an id that the state has there. */
  async of(appointmentId: AppointmentId, booked: Booked, patience: Patience): Promise<Found> {
    const accepted = await this.#acceptedAt(booked, patience);
    const found = accepted.findLast((one) => one.appointmentId === appointmentId);
    if (!found) throw new TypeError(`position ${booked.position} does not accept ${appointmentId}`);
    return found;
  }

  /** What a user asked for when it had the appointment of an id deleted that the state has there. */
  async deletionOf(appointmentId: AppointmentId, deleted: Booked, patience: Patience): Promise<DeletedBooking> {
    const { events } = await this.#read(deleted, patience);
    for (const event of events)
      if (event.type === 'AppointmentEnded' && event.appointmentId === appointmentId && event.deletion)
        return { status: 'deleted', deletion: event.deletion };
    throw new TypeError(`position ${deleted.position} does not delete ${appointmentId}`);
  }

  /** The appointment that the state has there, whatever its id. */
  async at(booked: Booked, patience: Patience): Promise<Found> {
    const accepted = await this.#acceptedAt(booked, patience);
    const found = accepted.findLast(({ blob }) => blob.position === booked.blob);
    if (!found) throw new TypeError(`position ${booked.position} does not accept blob ${booked.blob}`);
    return found;
  }

  /** Those of them that wait for a transaction; its id is 32 bytes in internal order. Waits for the log as long as it must. */
  async waitingFor(txidInternal: Uint8Array, candidates: readonly Booked[]): Promise<readonly Found[]> {
    const isHint = ({ scheme, locator }: Found) => toHex(schemes[scheme].hint(txidInternal)) === locator;
    return this.#among(candidates, isHint, Number.POSITIVE_INFINITY);
  }

  /** Those of them that wait under a locator, whatever the scheme. */
  async under(locator: Locator, candidates: readonly Booked[], patience: Patience): Promise<readonly Found[]> {
    return this.#among(candidates, (found) => found.locator === locator, patience);
  }

  /** The locators of a user's appointments, in their order: some are read one by one, many with all else the user did meanwhile. */
  async locators(userId: UserId, booked: readonly Booked[], patience: Patience): Promise<Locator[]> {
    if (booked.length <= AT_ONCE)
      return (await Promise.all(booked.map((one) => this.at(one, patience)))).map(({ locator }) => locator);
    const found = new Map<Position, Locator | undefined>(booked.map(({ blob }) => [blob, undefined]));
    const positions = booked.map(({ position }) => position).sort((a, b) => a - b);
    const [first = 0, last = 0] = [positions[0], positions.at(-1)];
    const span = { after: first - 1, through: last, patience, signal: this.#stopping.signal };
    await this.log.each(userAggregate(userId), this.shard, span, (commit) => {
      for (const { locator, blob } of acceptedIn(commit))
        if (found.has(blob.position)) found.set(blob.position, locator);
    });
    return booked.map(({ blob, position }) => {
      const locator = found.get(blob);
      if (locator === undefined) throw new TypeError(`position ${position} does not accept blob ${blob}`);
      return locator;
    });
  }

  async #among(candidates: readonly Booked[], isWanted: (found: Found) => boolean, patience: Patience) {
    const found = await Promise.all(candidates.map((booked) => this.at(booked, patience)));
    return found.filter(isWanted);
  }

  async #acceptedAt(booked: Booked, patience: Patience): Promise<Found[]> {
    const commit = await this.#read(booked, patience);
    const { aggregate } = commit;
    if (aggregate.kind !== 'user') return [];
    return acceptedIn(commit).map((event) => ({
      ...bookingOf(event),
      status: booked.status === 'rejected' ? 'rejected' : 'live',
      appointmentId: event.appointmentId,
      userId: aggregate.id,
    }));
  }

  async #read({ position }: Booked, patience: Patience): Promise<Commit> {
    const { signal } = this.#stopping;
    for (const deadline = performance.now() + patience; ; ) {
      signal.throwIfAborted();
      try {
        return await (this.#recent.get(position) ?? this.#ask(position));
      } catch (error) {
        if (!(error instanceof LogUnavailableError) || performance.now() + RETRY_MS > deadline) throw error;
        this.onWait(error);
      }
      await sleep(RETRY_MS, undefined, { signal });
    }
  }

  /** Appointments that came in one commit are mostly asked for together. */
  #ask(position: Position): Promise<Commit> {
    const answer = this.#reads.take(() => this.log.at(position, this.shard));
    this.#recent.set(position, answer);
    answer.catch(() => this.#recent.delete(position));
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= REMEMBERED) break;
      this.#recent.delete(oldest);
    }
    return answer;
  }
}

const acceptedIn = ({ events }: Pick<Recorded, 'events'>): AppointmentAccepted[] =>
  (events as readonly Recorded['events'][number][]).filter((event) => event.type === 'AppointmentAccepted');
