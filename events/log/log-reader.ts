import {
  Events,
  type JetStreamManager,
  type MsgRequest,
  type NatsConnection,
  NatsError,
  type SeqMsgRequest,
  type StoredMsg,
} from 'nats';
import { type Acceptance, AcceptanceReader } from '../acceptance.js';
import { type Aggregate, aggregateName, aggregateSubject, isPolicy } from '../aggregate.js';
import { sha256, toHex } from '../bytes.js';
import { UnknownEventError } from '../codec.js';
import { type Commit, DamagedCommitError, decodeCommit, type Recorded, type ShardCommit } from '../commit.js';
import type { Position, Shard } from '../ids.js';
import { isApiError, NO_MESSAGE_FOUND } from './api-errors.js';
import { CommitFeed } from './commit-feed.js';
import type { Following } from './commit-log.js';
import { LogDamagedError, LogUnavailableError } from './errors.js';
import { type Bulk, Follower, type FollowOptions, type StreamMessage } from './follower.js';
import { REQUEST_MS } from './publish.js';
import { Requests } from './requests.js';
import { CHAIN, POLICY, towerStream } from './streams.js';
import { cutOf, readTrim } from './trims.js';

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

/** Reading the log: single commits, those of one aggregate, and streams as they grow. */
export class LogReader {
  protected readonly requests: Requests;
  readonly #followers = new Set<Follower>();
  readonly #readers = new Map<Shard, AcceptanceReader>();
  /** Who follows the commits of a stream. */
  readonly #feeds = new Map<string, Set<CommitFeed>>();

  constructor(
    readonly nc: NatsConnection,
    /** For reading single messages and stream states; every request of it ends after two seconds. */
    readonly jsm: JetStreamManager,
    private readonly bulk: Bulk | undefined,
  ) {
    this.requests = new Requests(nc);
    void this.#tellOfReconnects();
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
    const { data, subject } = await this.#messageAt(position, shard);
    const acceptance = this.#readerOf(shard).read(data, subject);
    if (acceptance) return { ...acceptance.commit(), position };
    return record(data, subject, position, shard) as Recorded<ShardCommit>;
  }

  /** What most commits are it reads for less: breaches wait for them. */
  #readerOf(shard: Shard): AcceptanceReader {
    const reader = this.#readers.get(shard) ?? new AcceptanceReader(shard);
    this.#readers.set(shard, reader);
    return reader;
  }

  /** The very bytes of that commit, as they are stored. */
  async bytesAt(position: Position, shard: Shard): Promise<Uint8Array> {
    return (await this.#messageAt(position, shard)).data;
  }

  async #messageAt(position: Position, shard: Shard): Promise<Pick<StoredMsg, 'data' | 'subject'>> {
    const stream = towerStream(shard);
    return (await this.near(stream, position)) ?? this.#fromLeader(stream, { seq: position });
  }

  /** The message at a position of a stream as any of its replicas has it (ADR-31); undefined if none answers, or it has none. */
  async near(stream: string, seq: Position): Promise<Pick<StoredMsg, 'data' | 'subject'> | undefined> {
    const subject = `$JS.API.DIRECT.GET.${stream}`;
    const asked = this.requests.ask(subject, JSON.stringify({ seq }), { timeout: REQUEST_MS });
    const answer = await asked.catch(() => undefined);
    if (answer?.headers?.get('Nats-Sequence') !== String(seq)) return undefined;
    return { data: new Uint8Array(answer.data), subject: answer.headers.get('Nats-Subject') };
  }

  async #fromLeader(stream: string, query: { seq: Position }): Promise<StoredMsg> {
    try {
      return await this.jsm.streams.getMessage(stream, query);
    } catch (cause) {
      if (!(cause instanceof NatsError)) throw cause;
      const isMissing = isApiError(cause, NO_MESSAGE_FOUND) && (await this.#goesBeyond(stream, query.seq));
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
      const follower = this.messages({ stream, subject, after, onMessage, onFailure: end });
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
      if (isApiError(error, NO_MESSAGE_FOUND)) return undefined;
      throw error;
    }
  }

  /** All commits of an aggregate, oldest first. For people and tools: a node's own state comes from `follow`. */
  async load(aggregate: Aggregate, shard: Shard): Promise<Recorded[]> {
    const commits: Recorded[] = [];
    for (let after = 0; ; ) {
      const next = await this.next(aggregate, shard, after);
      if (!next) return commits;
      commits.push(next);
      after = next.position;
    }
  }

  /** The first commit of an aggregate after a position; undefined if there is none. */
  protected async next(aggregate: Aggregate, shard: Shard, after: Position): Promise<Recorded | undefined> {
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

  /** Up to where a stream was trimmed; 0 if it was not. */
  async cut(stream: string): Promise<Position> {
    return cutOf((await this.jsm.streams.info(stream)).config);
  }

  /**
   * SHA-256, hex, of the message at a position, read from the stream's leader: by it a log is told from any other. Undefined
   * if there is none. Rejects with `LogUnavailableError`.
   */
  async digestAt(stream: string, position: Position): Promise<string | undefined> {
    try {
      return toHex(sha256((await this.jsm.streams.getMessage(stream, { seq: position })).data));
    } catch (cause) {
      if (isApiError(cause, NO_MESSAGE_FOUND)) return undefined;
      throw new LogUnavailableError(`message ${position} of ${stream} could not be read`, { cause });
    }
  }

  /**
   * Follows a stream's commits from a position; see `Follower` and `CommitFeed`. A message that is no commit of its subject
   * is damage.
   */
  follow(stream: string, shard: Shard, { onCommit, onAcceptance, ...options }: FollowCommitsOptions): Following {
    const reader = new AcceptanceReader(shard);
    const feed = new CommitFeed({
      stream,
      after: options.after,
      reader,
      record: ({ data, subject, position }) => record(data, subject, position, shard),
      onCommit,
      onAcceptance,
    });
    const feeds = this.#feeds.get(stream) ?? new Set();
    this.#feeds.set(stream, feeds.add(feed));
    const ended = () => void feeds.delete(feed);
    const onMessage = (message: StreamMessage) => feed.message(message);
    return this.messages({ ...options, stream, onMessage, bulk: this.bulk }, ended);
  }

  /** A commit of this process is on the log: whoever follows it need not wait until it comes back. */
  protected acked(stream: string, commit: Omit<Commit, 'position'>, data: Uint8Array, position: Position): void {
    for (const feed of this.#feeds.get(stream) ?? []) feed.acked(commit, data, position);
  }

  /** Follows the messages of any stream, as bytes; see `Follower`. */
  messages(options: FollowOptions, onStop: () => void = () => {}): Following {
    const trim = () => readTrim(this.jsm, options.stream);
    const follower = new Follower(this.nc, this.jsm, { trim, ...options }, (stopped) => {
      this.#followers.delete(stopped);
      onStop();
    });
    this.#followers.add(follower);
    return follower;
  }

  /** One for all of them: the client never forgets anybody who asked it for its status. */
  async #tellOfReconnects(): Promise<void> {
    for await (const { type } of this.nc.status())
      if (type === Events.Reconnect) for (const follower of this.#followers) follower.reconnected();
  }
}

export function streamOf(aggregate: Aggregate, shard: Shard): string {
  if (isPolicy(aggregate)) return POLICY;
  return aggregate.kind === 'chain' ? CHAIN : towerStream(shard);
}

export function record(data: Uint8Array, subject: string, position: Position, shard: Shard): Recorded {
  const commit = readCommit(data, `message ${position} of ${streamOn(subject, shard)}, on ${subject},`);
  if (aggregateSubject(commit.aggregate, shard) === subject) return { ...commit, position };
  throw new LogDamagedError(`message ${position} on ${subject} is a commit of ${aggregateName(commit.aggregate)}`);
}

/** The stream that a subject's messages are in. */
function streamOn(subject: string, shard: Shard): string {
  if (subject.startsWith('argus.policy.')) return POLICY;
  return subject === 'argus.chain' ? CHAIN : towerStream(shard);
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
