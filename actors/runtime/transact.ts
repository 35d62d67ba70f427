import { AcceptanceDraft } from '../../events/acceptance-draft.js';
import type { Aggregate } from '../../events/aggregate.js';
import { type Commit, newCommit } from '../../events/commit.js';
import type { Decision } from '../../events/decider.js';
import type { Position, Shard, UserId } from '../../events/ids.js';
import type { CommitLog } from '../../events/log/commit-log.js';
import { LogUnavailableError } from '../../events/log/errors.js';
import type { UserEvent } from '../../events/user.js';
import type { ShardState, Versioned } from '../../projections/shard-state.js';
import { type Meter, unmeasured } from '../meter.js';

/** How often a decision is made again because others were faster, before it is called an outage. */
const MOST_CONFLICTS = 50;

/** What is folded of a stream, and grows. `Folded` is all that is known of a shard, or of what is of none. */
export interface FoldedLog<Folded> {
  readonly state: Folded;
  /** Resolves when everything up to a position is in the state. */
  reached(position: Position): Promise<void>;
}

export interface Transaction<State, Outcome, Event, Folded = ShardState> {
  readonly aggregate: Aggregate;
  /** The state as folded so far, with what of it is to be read from the log; asked again after each conflict. */
  readonly read: (folded: Folded) => Versioned<State> | Promise<Versioned<State>>;
  readonly decide: (state: State) => Decision<Outcome, Event>;
  /** How long it may take in all, in ms; afterwards nothing is appended any more. */
  readonly patience: number;
  /** A commit that was written before, for when that is what is decided. */
  readonly draft?: AcceptanceDraft | undefined;
}

/** Decides and appends for one stream: on a conflict folds what others wrote and decides again. */
export class Transactor<Folded = ShardState> {
  readonly #stopping = new AbortController();
  #appends = 0;
  #conflicts = 0;

  constructor(
    readonly shard: Shard,
    private readonly log: Pick<CommitLog, 'append'>,
    private readonly fold: FoldedLog<Folded>,
    private readonly node: string,
    private readonly meter: Pick<Meter, 'appended'> = unmeasured,
  ) {}

  /** How often it tried to append, and how often others were faster. */
  get counts(): { readonly appends: number; readonly conflicts: number } {
    return { appends: this.#appends, conflicts: this.#conflicts };
  }

  /**
   * The outcome of a decision whose events, if any, are on the log and in the folded state.
   *
   * Rejects with `LogUnavailableError` when the log did not take it in time.
   */
  async transact<State, Outcome, Event>(work: Transaction<State, Outcome, Event, Folded>): Promise<Outcome> {
    const deadline = performance.now() + work.patience;
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const { state, version } = await work.read(this.fold.state);
      const { outcome, events } = work.decide(state);
      if (events.length === 0) return outcome;
      const { commit, data } = work.draft?.complete(work.aggregate, events) ?? this.#write(work.aggregate, events);
      const patience = deadline - performance.now();
      if (patience <= 0) throw new LogUnavailableError('it took too long until it could be appended');
      const { shard } = this;
      const signal = this.#stopping.signal;
      const appended = await this.#append(commit, { shard, expected: version, patience, signal, data });
      this.#appends++;
      await this.fold.reached(appended.position);
      if (appended.kind === 'appended') return outcome;
      this.#conflicts++;
    }
    throw new LogUnavailableError(`others were faster ${MOST_CONFLICTS} times`);
  }

  async #append(...what: Parameters<CommitLog['append']>): Promise<Awaited<ReturnType<CommitLog['append']>>> {
    const began = performance.now();
    try {
      const appended = await this.log.append(...what);
      this.meter.appended(appended.kind, performance.now() - began);
      return appended;
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.meter.appended('failed', performance.now() - began);
      throw error;
    }
  }

  #write(aggregate: Aggregate, events: readonly unknown[]): { commit: Omit<Commit, 'position'>; data?: Uint8Array } {
    return { commit: newCommit(aggregate, events, this.node, Date.now()) as Omit<Commit, 'position'> };
  }

  /** A user's decision as it will be appended, when the blob that it refers to is stored; undefined if it is of another kind. */
  draft(userId: UserId, events: readonly UserEvent[]): AcceptanceDraft | undefined {
    return AcceptanceDraft.of(userId, events, this.node, Date.now());
  }

  /** Ends every wait of appends under way: they reject. */
  stop(): void {
    this.#stopping.abort();
  }
}
