import { type Aggregate, aggregateSubject } from '../../events/aggregate.js';
import { type Commit, decodeCommit, encodeCommit, type Recorded, type ShardCommit } from '../../events/commit.js';
import type { Position, Shard } from '../../events/ids.js';
import type { CommitLog, Following } from '../../events/log/commit-log.js';
import { LogDamagedError, LogUnavailableError } from '../../events/log/errors.js';
import type { Appended, AppendOptions } from '../../events/log/log.js';
import type { FollowCommitsOptions, Span } from '../../events/log/log-reader.js';
import { CHAIN, towerStream } from '../../events/log/streams.js';
import type { Wire } from './wire.js';

/** The streams of a log in memory: what a server keeps, whoever comes and goes. */
export class MemoryStreams {
  readonly #streams = new Map<string, Recorded[]>();
  readonly #bySubject = new Map<string, Position[]>();
  readonly #followers = new Set<(stream: string, position: Position) => void>();
  /** Hears of each message that was stored, in the one order in which all of them were. */
  onStored: (commit: Recorded) => void = () => {};

  /** A stream's commits, as they were read from their bytes; nobody can change what others will read. */
  commits(stream: string): readonly Recorded[] {
    return this.#streams.get(stream) ?? [];
  }

  /** The positions of a subject's messages, oldest first. */
  positions(subject: string): readonly Position[] {
    return this.#bySubject.get(subject) ?? [];
  }

  /** The position of a new message; undefined where the subject's last message is not the expected one. */
  store(stream: string, subject: string, body: Uint8Array, expected: Position): Position | undefined {
    const before = this.positions(subject);
    if ((before.at(-1) ?? 0) !== expected) return undefined;
    const position = this.commits(stream).length + 1;
    const commit = frozen({ ...decodeCommit(body), position });
    addTo(this.#streams, stream, commit);
    addTo(this.#bySubject, subject, position);
    this.onStored(commit);
    for (const follower of this.#followers) follower(stream, position);
    return position;
  }

  follow(follower: (stream: string, position: Position) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}

function addTo<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  list.push(value);
}

function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) frozen(part);
  return Object.freeze(value);
}

/** A log in memory with the contract of `test/contract/log.ts`; what travels between it and its streams takes a wire. */
export class MemoryLog implements CommitLog {
  constructor(
    private readonly streams: MemoryStreams,
    private readonly wire: Wire,
  ) {}

  async append(commit: Omit<Commit, 'position'>, options: AppendOptions): Promise<Appended> {
    const sender = { gaveUp: false };
    if (options.patience === Number.POSITIVE_INFINITY) return this.#append(commit, options, sender);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new LogUnavailableError('the log did not answer in time')), options.patience);
    });
    try {
      return await Promise.race([this.#append(commit, options, sender), late]);
    } finally {
      clearTimeout(timer);
      sender.gaveUp = true;
    }
  }

  /** After giving up nothing is sent any more; what is on its way may arrive all the same. */
  async #append(
    commit: Omit<Commit, 'position'>,
    { shard, expected }: AppendOptions,
    sender: { readonly gaveUp: boolean },
  ): Promise<Appended> {
    const stream = streamOf(commit.aggregate, shard);
    const subject = aggregateSubject(commit.aggregate, shard);
    const body = encodeCommit(commit);
    while (!sender.gaveUp) {
      const position = await this.wire.publish(() => this.streams.store(stream, subject, body, expected));
      if (position !== undefined) return { kind: 'appended', position };
      const outcome = await this.wire.carry('log', () => this.#readBack(commit, shard, expected));
      if (outcome) return outcome;
    }
    throw new LogUnavailableError('nobody waits for it any more');
  }

  /** Undefined while there is nothing where ours should have gone. */
  #readBack(commit: Omit<Commit, 'position'>, shard: Shard, expected: Position): Appended | undefined {
    const positions = this.streams.positions(aggregateSubject(commit.aggregate, shard));
    const next = positions.find((position) => position > expected);
    if (next === undefined) return undefined;
    const isOurs = this.#read(streamOf(commit.aggregate, shard), next).id === commit.id;
    return isOurs ? { kind: 'appended', position: next } : { kind: 'conflict', position: positions.at(-1) ?? next };
  }

  async last(aggregate: Aggregate, shard: Shard): Promise<Recorded | undefined> {
    return (await this.load(aggregate, shard)).at(-1);
  }

  load(aggregate: Aggregate, shard: Shard): Promise<Recorded[]> {
    const stream = streamOf(aggregate, shard);
    const all = () => this.streams.positions(aggregateSubject(aggregate, shard));
    return this.wire.carry('log', () => all().map((position) => this.#read(stream, position)));
  }

  at(position: Position, shard: Shard): Promise<Recorded<ShardCommit>> {
    const stream = towerStream(shard);
    return this.wire.carry('log', () => {
      if (position > this.streams.commits(stream).length)
        throw new LogUnavailableError(`message ${position} of ${stream} could not be read`);
      return this.#read(stream, position) as Recorded<ShardCommit>;
    });
  }

  async each(
    aggregate: Aggregate,
    shard: Shard,
    { after, through, signal }: Span,
    onCommit: (commit: Recorded) => void,
  ) {
    const commits = await this.load(aggregate, shard);
    signal.throwIfAborted();
    for (const commit of commits) if (commit.position > after && commit.position <= through) onCommit(commit);
  }

  tail(stream: string): Promise<Position> {
    return this.wire.carry('log', () => this.streams.commits(stream).length);
  }

  /** A delivery may come late, twice, or before an earlier one: then what it skips is fetched with it. */
  follow(stream: string, _shard: Shard, { after, onCommit, onFailure }: FollowCommitsOptions): Following {
    let at = after;
    let last = after;
    let stopped = false;
    let isReceiving = false;
    const receive = (position: Position) => {
      last = Math.max(last, position);
      // One commit at a time, also where dealing with one appends another at once.
      if (isReceiving) return;
      isReceiving = true;
      try {
        while (!stopped && at < last) onCommit(this.#read(stream, ++at));
      } catch (error) {
        stop();
        onFailure(error instanceof Error ? error : new Error(String(error)));
      }
      isReceiving = false;
    };
    const deliver = (position: Position) => void this.wire.carry('delivery', () => receive(position));
    const unfollow = this.streams.follow((of, position) => {
      if (of === stream) deliver(position);
    });
    const stop = () => {
      stopped = true;
      unfollow();
    };
    const tail = this.streams.commits(stream).length;
    for (const position of [Math.ceil((after + tail) / 2), tail]) if (position > after) deliver(position);
    return { stop };
  }

  #read(stream: string, position: Position): Recorded {
    const commit = this.streams.commits(stream)[position - 1];
    if (!commit) throw new LogDamagedError(`${stream} has no message ${position}`);
    return commit;
  }
}

const streamOf = (aggregate: Aggregate, shard: Shard): string =>
  aggregate.kind === 'chain' ? CHAIN : towerStream(shard);
