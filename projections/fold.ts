import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Acceptance } from '../events/acceptance.js';
import type { Commit, Recorded } from '../events/commit.js';
import type { Position, Shard } from '../events/ids.js';
import type { CommitLog, Following } from '../events/log/commit-log.js';

/** A state that is a fold of one stream. */
export interface Foldable<C extends Commit> {
  readonly position: Position;
  apply(commit: Recorded<C>): void;
  /** Does as `apply` does with the whole of it, for less. Without it there are only whole commits. */
  accept?(acceptance: Acceptance, position: Position): void;
}

const RETRY_MS = 250;

/** Somebody who waits until a position is folded. */
interface Waiting {
  readonly position: Position;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface FoldEvents<C extends Commit> {
  folded: [Recorded<C>];
  /** The log is out of reach, for this reason; it is tried again. */
  waiting: [Error];
}

/**
 * Keeps a state level with its stream: replays from the beginning, then follows.
 *
 * Emits `folded` after each commit, once it is in the state; listeners must not throw. A commit that cannot be folded is
 * damage or a newer node's: it is given to `onFailure`, and the fold stays where it is.
 */
export class Fold<C extends Commit, S extends Foldable<C>> extends EventEmitter<FoldEvents<C>> {
  readonly #follower: Following;
  readonly #waiting = new Set<Waiting>();
  readonly #stopping = new AbortController();
  #asking: Promise<unknown> = Promise.resolve();
  #toAsk: Promise<Position> | undefined;

  constructor(
    private readonly log: Pick<CommitLog, 'tail' | 'follow'>,
    private readonly stream: string,
    shard: Shard,
    readonly state: S,
    onFailure: (error: Error) => void,
  ) {
    super();
    this.setMaxListeners(0);
    this.#follower = log.follow(stream, shard, {
      after: state.position,
      onCommit: (commit) => this.#apply(commit as Recorded<C>),
      ...(state.accept && { onAcceptance: (acceptance, position) => this.#accept(acceptance, position) }),
      onFailure: (error) => {
        this.#end(error);
        onFailure(error);
      },
      onWait: (error) => this.emit('waiting', error),
    });
  }

  /** Resolves when everything up to `position` is in the state; rejects when the fold is stopped before. */
  async reached(position: Position): Promise<void> {
    if (this.state.position >= position) return;
    if (this.#stopping.signal.aborted) throw this.#stopping.signal.reason;
    await new Promise<void>((resolve, reject) => this.#waiting.add({ position, resolve, reject }));
  }

  /** Resolves when the state holds everything that the stream held at the time of the call; waits while the log is away. */
  async level(): Promise<Position> {
    const tail = await this.#tailFromNowOn();
    await this.reached(tail);
    return tail;
  }

  /** One question for all who call until it is asked; an answer that is under way already may be older than the call. */
  #tailFromNowOn(): Promise<Position> {
    this.#toAsk ??= this.#asking.then(() => {
      const tail = this.#tail();
      this.#asking = tail.catch(() => {});
      this.#toAsk = undefined;
      return tail;
    });
    return this.#toAsk;
  }

  async #tail(): Promise<Position> {
    for (;;) {
      try {
        return await this.log.tail(this.stream);
      } catch (error) {
        this.emit('waiting', error instanceof Error ? error : new Error(String(error)));
        await sleep(RETRY_MS, undefined, { signal: this.#stopping.signal });
      }
    }
  }

  /** Resolves at the next commit folded after the call; rejects when the fold is stopped before. */
  async next(): Promise<void> {
    await once(this, 'folded', { signal: this.#stopping.signal });
  }

  stop(): void {
    this.#follower.stop();
    this.#end(new FoldStoppedError(`${this.stream} is no longer followed`));
    this.removeAllListeners();
  }

  /** Whoever waits is told why it is in vain. */
  #end(why: Error): void {
    this.#stopping.abort(why);
    for (const { reject } of this.#waiting) reject(why);
    this.#waiting.clear();
  }

  #apply(commit: Recorded<C>): void {
    this.state.apply(commit);
    this.#arrived();
    this.emit('folded', commit);
  }

  /** A node that replays has nobody who listens, and needs no more of a commit than changes the state. */
  #accept(acceptance: Acceptance, position: Position): void {
    this.state.accept?.(acceptance, position);
    this.#arrived();
    if (this.listenerCount('folded') === 0) return;
    const whole: Recorded<Commit> = { ...acceptance.commit(), position };
    this.emit('folded', whole as Recorded<C>);
  }

  #arrived(): void {
    if (this.#waiting.size === 0) return;
    for (const waiting of this.#waiting) {
      if (waiting.position > this.state.position) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }
}

/** The fold was stopped while somebody waited for it. */
export class FoldStoppedError extends Error {
  readonly code = 'fold-stopped';
}
