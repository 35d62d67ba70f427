import { setTimeout as sleep } from 'node:timers/promises';
import { type JetStreamManager, type NatsConnection, NatsError } from 'nats';
import { aggregateSubject } from '../aggregate.js';
import { type Commit, encodeCommit } from '../commit.js';
import type { Position, Shard } from '../ids.js';
import { LogUnavailableError } from './errors.js';
import type { Bulk } from './follower.js';
import { GroupCommit } from './group-commit.js';
import { LogReader, streamOf } from './log-reader.js';
import { isUncertain, type Line, type Outgoing, publish, REQUEST_MS } from './publish.js';
import { takesBatches } from './streams.js';

/** What became of an append. */
export type Appended =
  /** It is on the log, acked by every replica that must. */
  | { readonly kind: 'appended'; readonly position: Position }
  /** Somebody else's commit is where ours should have gone; `position` is that of the aggregate's last commit. */
  | { readonly kind: 'conflict'; readonly position: Position };

export interface AppendOptions {
  readonly shard: Shard;
  /** The position of the aggregate's last commit that the decision was made on; 0 if there was none. */
  readonly expected: Position;
  /** How long to try, in milliseconds. An actor that can only wait gives `Infinity`. */
  readonly patience: number;
  readonly signal?: AbortSignal;
  /** The commit's bytes, as `encodeCommit` writes them, where they are known already. */
  readonly data?: Uint8Array | undefined;
}

/** What the server says when there is no room: of the server, of the account, of the stream (JetStream API error codes). */
const FULL = new Set([10023, 10047, 10077]);
/** From how many messages on it is worth a connection: some 50 ms of reading. */
const BULK_FROM = 10_000;
const BACKOFF_MS = { first: 50, most: 1_000 };

/** The log over JetStream: the only place where commits are written and read. */
export class EventLog extends LogReader {
  readonly #line: Line;
  readonly #groups = new Map<string, GroupCommit>();

  private constructor(nc: NatsConnection, jsm: JetStreamManager, bulk: Bulk | undefined) {
    super(nc, jsm, bulk);
    this.#line = { nc, requests: this.requests };
  }

  /** With the seed of the connection's nkey, long streams are read over connections of their own, which is faster. */
  static async open(nc: NatsConnection, bulk: Partial<Bulk> = {}): Promise<EventLog> {
    const { seed, from = BULK_FROM } = bulk;
    const jsm = await nc.jetstreamManager({ timeout: REQUEST_MS, checkAPI: false });
    return new EventLog(nc, jsm, seed === undefined ? undefined : { seed, from });
  }

  /**
   * Appends a commit where its aggregate still is what the decision was made on.
   *
   * A lost ack is not a failure: before anything is called a conflict, or sent again, the aggregate's last commit is
   * read back and compared with ours. Rejects with `LogUnavailableError` when the patience is over; the commit may then
   * be stored all the same.
   */
  async append(commit: Omit<Commit, 'position'>, options: AppendOptions): Promise<Appended> {
    const subject = aggregateSubject(commit.aggregate, options.shard);
    const stream = streamOf(commit.aggregate, options.shard);
    const message = { subject, data: options.data ?? encodeCommit(commit), expected: options.expected };
    const deadline = performance.now() + options.patience;
    for (let wait = BACKOFF_MS.first; ; wait = Math.min(2 * wait, BACKOFF_MS.most)) {
      const timeout = Math.max(1, Math.min(REQUEST_MS, deadline - performance.now()));
      const answer = await this.#publish(stream, message, timeout);
      if (typeof answer === 'object') {
        this.acked(stream, commit, message.data, answer.position);
        return answer;
      }
      const outcome = await this.#readBack(commit, subject, options);
      if (outcome) return outcome;
      // Room may be made some day. Who can wait for that does; who cannot is told now.
      if (answer === 'full' && Number.isFinite(options.patience)) throw new LogUnavailableError('the log is full');
      await this.#pause(wait, deadline, options.signal);
    }
  }

  /** Undefined when it was refused or not answered: then only reading back tells. */
  async #publish(stream: string, message: Outgoing, timeout: number): Promise<Appended | 'full' | undefined> {
    try {
      return { kind: 'appended', position: await this.store(stream, message, timeout) };
    } catch (error) {
      if (isFull(error)) return 'full';
      if (isUncertain(error)) return undefined;
      const what = `an append on ${message.subject}`;
      throw new LogUnavailableError(`the log refused ${what}: ${describe(error)}`, { cause: error });
    }
  }

  /**
   * Stores a message in a stream, together with others that come at the same time if the stream takes batches; gives its
   * position. Rejects with a `NatsError`; see `publish`.
   */
  store(stream: string, message: Outgoing, timeout = REQUEST_MS): Promise<Position> {
    if (!takesBatches(stream)) return publish(this.#line, message, timeout);
    const group = this.#groups.get(stream) ?? new GroupCommit(this.#line);
    this.#groups.set(stream, group);
    return group.publish(message, timeout);
  }

  async #readBack(
    commit: Omit<Commit, 'position'>,
    subject: string,
    { shard, expected }: AppendOptions,
  ): Promise<Appended | undefined> {
    try {
      // Ours can only be the first after what it expected; by then others may stand on it.
      const next = await this.next(commit.aggregate, shard, expected);
      // Nobody came: our own message is still under way or was lost.
      if (!next) return undefined;
      if (next.id === commit.id) return { kind: 'appended', position: next.position };
      const last = await this.last(commit.aggregate, shard);
      return { kind: 'conflict', position: (last ?? next).position };
    } catch (error) {
      if (isUncertain(error)) return undefined;
      if (error instanceof NatsError) throw new LogUnavailableError(`reading ${subject} back`, { cause: error });
      throw error;
    }
  }

  async #pause(wait: number, deadline: number, signal: AbortSignal | undefined): Promise<void> {
    if (performance.now() + wait > deadline) throw new LogUnavailableError('the log did not answer in time');
    await sleep(wait * (0.5 + Math.random() / 2), undefined, signal && { signal });
  }
}

const isFull = (error: unknown): boolean => error instanceof NatsError && FULL.has(error.api_error?.err_code ?? 0);

const describe = (error: unknown): string =>
  error instanceof NatsError ? (error.api_error?.description ?? error.message) : String(error);
