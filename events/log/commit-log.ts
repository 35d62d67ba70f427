import type { Aggregate } from '../aggregate.js';
import type { Commit, Recorded, ShardCommit } from '../commit.js';
import type { Position, Shard } from '../ids.js';
import type { Appended, AppendOptions } from './log.js';
import type { FollowCommitsOptions, Span } from './log-reader.js';

/** The log as the actors know it, whatever it is made of; its contract is `test/contract/log.ts`. */
export interface CommitLog {
  /** Appends a commit where its aggregate still is what the decision was made on. */
  append(commit: Omit<Commit, 'position'>, options: AppendOptions): Promise<Appended>;
  /** The last commit of an aggregate; undefined if it has none. */
  last(aggregate: Aggregate, shard: Shard): Promise<Recorded | undefined>;
  /** All commits of an aggregate, oldest first. */
  load(aggregate: Aggregate, shard: Shard): Promise<Recorded[]>;
  /**
   * The commit at a position of a shard's stream, which is known to have one. Rejects with `LogUnavailableError` while it
   * cannot be read, also where the stream is not known to go so far, and with `LogDamagedError` if it is not there.
   */
  at(position: Position, shard: Shard): Promise<Recorded<ShardCommit>>;
  /**
   * Gives every commit of an aggregate between two positions, oldest first. Rejects with `LogUnavailableError` when the
   * patience is over, with the signal's reason when it is aborted.
   */
  each(aggregate: Aggregate, shard: Shard, span: Span, onCommit: (commit: Recorded) => void): Promise<void>;
  /** The position of a stream's newest message; 0 if it is empty. */
  tail(stream: string): Promise<Position>;
  /** Every commit of a stream after a position, once and in order. */
  follow(stream: string, shard: Shard, options: FollowCommitsOptions): Following;
}

/** A stream that is followed until it is stopped. */
export interface Following {
  stop(): void;
}
