import { setTimeout as sleep } from 'node:timers/promises';
import {
  type JetStreamManager,
  type MsgRequest,
  type NatsConnection,
  NatsError,
  type SeqMsgRequest,
  type StoredMsg,
} from 'nats';
import { type Acceptance, AcceptanceReader } from '../acceptance.js';
import { type Aggregate, aggregateName, aggregateSubject, chainAggregate } from '../aggregate.js';
import { sha256, toHex } from '../bytes.js';
import { UnknownEventError } from '../codec.js';
import {
  type Commit,
  DamagedCommitError,
  decodeCommit,
  encodeCommit,
  type Recorded,
  type ShardCommit,
} from '../commit.js';
import type { Position, Shard } from '../ids.js';
import { LogDamagedError, LogUnavailableError } from './errors.js';
import { type Bulk, Follower, type FollowOptions, type StreamMessage } from './follower.js';
import { GroupCommit } from './group-commit.js';
import { isUncertain, type Line, type Outgoing, publish, REQUEST_MS } from './publish.js';
import { CHAIN, takesBatches, towerStream } from './streams.js';

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
}

export interface FollowCommitsOptions extends Omit<FollowOptions, 'stream' | 'subject' | 'bulk' | 'onMessage'> {
  readonly onCommit: (commit: Recorded) => void;
  /**
   * Takes what it can do with the short form of, at that position; without it everything is for `onCommit`. A log need not
   * use it.
   */
  readonly onAcceptance?: (acceptance: Acceptance, position: Position) => void;
}

/** The commits between two positions, the first of which is not among them, and the last of which is known to be there. */
export interface Span {
  readonly after: Position;
  readonly through: Position;
  /** How long to wait for them, in milliseconds. */
  readonly patience: number;
  readonly signal: AbortSignal;
}

/** What the server says when there is no room: of the server, of the account, of the stream (JetStream API error codes). */
const FULL = new Set([10023, 10047, 10077]);
/** From how many messages on it is worth a connection: some 50 ms of reading. */
const BULK_FROM = 10_000;
const NO_MESSAGE_FOUND = 10037;
const BACKOFF_MS = { first: 50, most: 1_000 };

/** The log over JetStream: the only place where commits are written and read. */
export class EventLog {
  readonly #line: Line;
  readonly #groups = new Map<string, GroupCommit>();

  private constructor(
    readonly nc: NatsConnection,
    /** For reading single messages and stream states; every request of it ends after two seconds. */
    readonly jsm: JetStreamManager,
    private readonly bulk: Bulk | undefined,
  ) {
    this.#line = { nc, js: nc.jetstream() };
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
    const message = { subject, data: encodeCommit(commit), expected: options.expected };
    const deadline = performance.now() + options.patience;
    for (let wait = BACKOFF_MS.first; ; wait = Math.min(2 * wait, BACKOFF_MS.most)) {
      const timeout = Math.max(1, Math.min(REQUEST_MS, deadline - performance.now()));
      const answer = await this.#publish(stream, message, timeout);
      if (typeof answer === 'object') return answer;
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
      const next = await this.#next(commit.aggregate, shard, expected);
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

  /** The last commit of an aggregate, read from the stream's leader; undefined if it has none. */
  async last(aggregate: Aggregate, shard: Shard): Promise<Recorded | undefined> {
    return this.#read(aggregate, shard, { last_by_subj: aggregateSubject(aggregate, shard) });
  }

  /**
   * The commit at a position of a shard's stream. Any replica is asked first: it answers also while nobody leads the
   * stream. What it has not, the leader is asked for, since a replica may not have it yet.
   */
  async at(position: Position, shard: Shard): Promise<Recorded<ShardCommit>> {
    const stream = towerStream(shard);
    const query = { seq: position };
    const { data, subject } = (await this.near(stream, position)) ?? (await this.#fromLeader(stream, query));
    return record(data, subject, position, shard) as Recorded<ShardCommit>;
  }

  /** The message at a position of a stream as any of its replicas has it (ADR-31); undefined if none answers, or it has none. */
  async near(stream: string, seq: Position): Promise<Pick<StoredMsg, 'data' | 'subject'> | undefined> {
    const subject = `$JS.API.DIRECT.GET.${stream}`;
    const answer = await this.nc
      .request(subject, JSON.stringify({ seq }), { timeout: REQUEST_MS })
      .catch(() => undefined);
    if (answer?.headers?.get('Nats-Sequence') !== String(seq)) return undefined;
    return { data: Uint8Array.from(answer.data), subject: answer.headers.get('Nats-Subject') };
  }

  async #fromLeader(stream: string, query: { seq: Position }): Promise<StoredMsg> {
    try {
      return await this.jsm.streams.getMessage(stream, query);
    } catch (cause) {
      if (!(cause instanceof NatsError)) throw cause;
      const isMissing = cause.api_error?.err_code === NO_MESSAGE_FOUND && (await this.#goesBeyond(stream, query.seq));
      if (isMissing) throw new LogDamagedError(`${stream} has no message ${query.seq}`, { cause });
      throw new LogUnavailableError(`message ${query.seq} of ${stream} could not be read`, { cause });
    }
  }

  /** Whether a stream has messages after a position, or at it. A leader that lost the others may not know of the newest. */
  async #goesBeyond(stream: string, position: Position): Promise<boolean> {
    return (await this.tail(stream).catch(() => 0)) >= position;
  }

  /**
   * Gives every commit of an aggregate between two positions, oldest first: by far faster than reading one after the other.
   * Rejects with `LogUnavailableError` when the patience is over, with the signal's reason when it is aborted.
   */
  async each(aggregate: Aggregate, shard: Shard, span: Span, onCommit: (commit: Recorded) => void): Promise<void> {
    const { after, through, patience, signal } = span;
    signal.throwIfAborted();
    if (through <= after) return;
    const subject = aggregateSubject(aggregate, shard);
    const stream = streamOf(aggregate, shard);
    await new Promise<void>((resolve, reject) => {
      const end = (error?: unknown) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        follower.stop();
        if (error === undefined) resolve();
        else reject(error);
      };
      const abort = () => end(signal.reason);
      const onMessage = ({ data, position }: StreamMessage) => {
        if (position <= through) onCommit(record(data, subject, position, shard));
        if (position >= through) end();
      };
      const follower = new Follower(this.nc, this.jsm, { stream, subject, after, onMessage, onFailure: end });
      const late = () => end(new LogUnavailableError(`${subject} could not be read in time`));
      const timer = Number.isFinite(patience) ? setTimeout(late, patience) : undefined;
      signal.addEventListener('abort', abort);
    });
  }

  async #read(aggregate: Aggregate, shard: Shard, query: MsgRequest): Promise<Recorded | undefined> {
    try {
      const { data, subject, seq } = await this.jsm.streams.getMessage(streamOf(aggregate, shard), query);
      return record(data, subject, seq, shard);
    } catch (error) {
      if (error instanceof NatsError && error.api_error?.err_code === NO_MESSAGE_FOUND) return undefined;
      throw error;
    }
  }

  /** All commits of an aggregate, oldest first. For people and tools: a node's own state comes from `follow`. */
  async load(aggregate: Aggregate, shard: Shard): Promise<Recorded[]> {
    const commits: Recorded[] = [];
    for (let after = 0; ; ) {
      const next = await this.#next(aggregate, shard, after);
      if (!next) return commits;
      commits.push(next);
      after = next.position;
    }
  }

  /** The first commit of an aggregate after a position; undefined if there is none. */
  async #next(aggregate: Aggregate, shard: Shard, after: Position): Promise<Recorded | undefined> {
    const query: SeqMsgRequest & { next_by_subj: string } = {
      seq: after + 1,
      next_by_subj: aggregateSubject(aggregate, shard),
    };
    return this.#read(aggregate, shard, query);
  }

  /** The position of the newest message of a stream, asked from its leader; 0 if it is empty. */
  async tail(stream: string): Promise<Position> {
    return (await this.jsm.streams.info(stream)).state.last_seq;
  }

  /**
   * SHA-256, hex, of the message at a position, read from the stream's leader: by it a log is told from any other. Undefined
   * if there is none. Rejects with `LogUnavailableError`.
   */
  async digestAt(stream: string, position: Position): Promise<string | undefined> {
    try {
      return toHex(sha256((await this.jsm.streams.getMessage(stream, { seq: position })).data));
    } catch (cause) {
      if (cause instanceof NatsError && cause.api_error?.err_code === NO_MESSAGE_FOUND) return undefined;
      throw new LogUnavailableError(`message ${position} of ${stream} could not be read`, { cause });
    }
  }

  /** Follows a stream's commits from a position; see `Follower`. A message that is no commit of its subject is damage. */
  follow(stream: string, shard: Shard, { onCommit, onAcceptance, ...options }: FollowCommitsOptions): Follower {
    const reader = new AcceptanceReader(shard);
    const onMessage = ({ data, subject, position }: StreamMessage) => {
      const acceptance = onAcceptance && reader.read(data, subject);
      if (acceptance) onAcceptance?.(acceptance, position);
      else onCommit(record(data, subject, position, shard));
    };
    return new Follower(this.nc, this.jsm, { ...options, stream, onMessage, bulk: this.bulk });
  }
}

const streamOf = (aggregate: Aggregate, shard: Shard): string =>
  aggregate.kind === 'chain' ? CHAIN : towerStream(shard);

function record(data: Uint8Array, subject: string, position: Position, shard: Shard): Recorded {
  const stream = subject === aggregateSubject(chainAggregate, shard) ? CHAIN : towerStream(shard);
  const commit = readCommit(data, `message ${position} of ${stream}, on ${subject},`);
  if (aggregateSubject(commit.aggregate, shard) === subject) return { ...commit, position };
  throw new LogDamagedError(`message ${position} on ${subject} is a commit of ${aggregateName(commit.aggregate)}`);
}

/** As `decodeCommit` does; what cannot be read is told with its place. */
function readCommit(data: Uint8Array, place: string): Commit {
  try {
    return decodeCommit(data);
  } catch (error) {
    if (error instanceof UnknownEventError) throw new UnknownEventError(error.event, place);
    if (error instanceof DamagedCommitError)
      throw new DamagedCommitError(`${place} is damaged: ${error.message}`, { cause: error });
    throw error;
  }
}

const isFull = (error: unknown): boolean => error instanceof NatsError && FULL.has(error.api_error?.err_code ?? 0);

const describe = (error: unknown): string =>
  error instanceof NatsError ? (error.api_error?.description ?? error.message) : String(error);
