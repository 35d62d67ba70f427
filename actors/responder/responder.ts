import type { Logger } from 'pino';
import { trackerAggregate } from '../../events/aggregate.js';
import { fromHex, reversed } from '../../events/bytes.js';
import type { BlockRef } from '../../events/chain.js';
import type { ChainCommit, ShardCommit } from '../../events/commit.js';
import type { Decision } from '../../events/decider.js';
import type { AppointmentId, Height, Position } from '../../events/ids.js';
import type { TrackerEvent } from '../../events/tracker.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { Tracker, TrackerState } from '../../projections/tracker.js';
import type { Candidate } from '../../projections/watchlist.js';
import type { Bookings } from '../bookings.js';
import type { Seen } from '../breach-report.js';
import type { BlockListener, ReadBlock } from '../runtime/block-feed.js';
import { KeyedMailbox } from '../runtime/mailbox.js';
import type { Transactor } from '../runtime/transact.js';
import { why } from '../runtime/why.js';
import { Attempts, type AttemptsNeeds, type PenaltyCarrier } from './attempts.js';
import { type Action, type Answer, decideAnswer, decideConfirmed, nextAction } from './decisions.js';
import { EarlySends, type EarlySendsNeeds } from './early-sends.js';
import { decideOutspent, neededBy } from './outspend.js';
import { PenaltySearch, type PenaltySearchNeeds } from './penalty-search.js';
import { SpendSearch } from './spend-search.js';

/**
 * The Responder: carries each breach from its sighting to the burial of its penalty.
 *
 *   Watcher, LocatorCache --sighting--> Responder --raw transactions--> Carrier --> bitcoind
 *   fold, block feed ----what is new--->    |
 *                                           +--PenaltyBroadcast ... PenaltyIrrevocable--> log
 *
 * takes   foreseen         a block's transactions that appointments may wait for: what their blobs open to is sent
 *         sighted          a breach that is not on the log yet, or a dispute that is in the mempool anew: answered at once
 *         folded           a tracker's event, or a new version, or the end, of an appointment that has a tracker
 *         blocksConnected  everything under way is asked about anew: sent again, confirmed, reorged out, buried
 *         blockRead        the search for penalties is taken up where a block was missing
 *         bitcoindRestarted  everything unconfirmed is sent again
 * emits   every event of a tracker but BreachSighted and BreachDetected
 *
 * There is no other plan than `nextAction`: do it, record what came of it, ask again. Starting up is asking.
 */
export class Responder implements BlockListener {
  readonly #lanes = new KeyedMailbox<AppointmentId>();
  /** Breaches that were just seen. */
  readonly #sighted = new Set<AppointmentId>();
  readonly #retries = new Set<NodeJS.Timeout>();
  readonly #early: EarlySends;
  readonly #attempts: Attempts;
  readonly #search: PenaltySearch;
  readonly #spends: SpendSearch;
  #stopped = false;

  constructor(private readonly needs: ResponderNeeds) {
    this.#early = new EarlySends(needs);
    this.#attempts = new Attempts(needs, this.#early);
    this.#search = new PenaltySearch(needs);
    this.#spends = new SpendSearch(needs);
  }

  start(): void {
    this.#workOnAll();
  }

  stop(): void {
    this.#stopped = true;
    this.#spends.stop();
    for (const retry of this.#retries) clearTimeout(retry);
  }

  /** Whether a breach of an appointment, with its blob there, is being answered, or was, that the log may not know of yet. */
  isAnswering(id: AppointmentId, blob: Position | undefined): boolean {
    return this.#sighted.has(id) || this.#attempts.lastTry(id) !== undefined || this.#early.hasOpened(blob);
  }

  /** Resolves when what the candidates' blobs open to was sent, or could not be; nothing is recorded. */
  foreseen(block: BlockRef, candidates: readonly Candidate[]): Promise<void> {
    return this.#early.send(block, candidates);
  }

  /** Resolves when the breach was answered, or could not be. */
  async sighted({ hit, disputeTxid, block }: Seen): Promise<void> {
    const { appointmentId: id, locator, blob, scheme } = hit;
    const { fold, chain } = this.needs;
    if (!block) this.#workAnew(id);
    if (fold.state.tracker(id).state.stage !== 'none') return;
    const sightedAt = block ? null : (chain.state.tip?.height ?? null);
    this.#sighted.add(id);
    await this.#lanes
      .send(id, async () => {
        if (fold.state.booked(hit)?.blob !== blob.position) return;
        await this.#attempts.respond(id, { locator, disputeTxid, disputeBlock: block, sightedAt }, { blob, scheme });
      })
      // Nothing is lost: the tracker that is being appended brings the same work again.
      .catch((error) => this.needs.log.warn({ ...why(error), appointment: id }, 'could not answer a breach at once'))
      .finally(() => this.#sighted.delete(id));
  }

  folded(commit: ShardCommit): void {
    if (commit.aggregate.kind === 'tracker') this.#workOn(commit.aggregate.id);
    if (commit.aggregate.kind !== 'user') return;
    for (const event of commit.events)
      if (event.type === 'AppointmentAccepted') this.#workAnew(event.appointmentId);
      else if (event.type === 'AppointmentEnded') this.#workOn(event.appointmentId);
  }

  async blocksConnected(): Promise<void> {
    this.#workOnAll();
  }

  /** A penalty may have been mined in a block that nobody had. */
  async blockRead({ block }: ReadBlock): Promise<void> {
    this.#search.blockRead(block);
    this.#workOnAll();
  }

  /** bitcoind was started anew, perhaps without its mempool: what is unconfirmed is sent again, at once. */
  bitcoindRestarted(): void {
    this.#early.forget();
    this.#attempts.forgetAll();
    this.#workOnAll();
  }

  async blockDisconnected(): Promise<void> {}

  /** What was tried at this tip was tried with another mempool, or another blob. */
  #workAnew(id: AppointmentId): void {
    if (this.needs.fold.state.tracker(id).state.stage === 'none') return;
    void this.#lanes.send(id, async () => this.#attempts.forget(id));
    this.#workOn(id);
  }

  #workOnAll(): void {
    for (const id of this.needs.fold.state.unfinished()) this.#workOn(id);
  }

  #workOn(id: AppointmentId): void {
    const isNone = this.needs.fold.state.tracker(id).state.stage === 'none';
    if (isNone) this.#attempts.forget(id);
    if (isNone || this.#stopped) return;
    this.#lanes.send(id, () => this.#work(id)).catch((error) => this.#failed(id, error));
  }

  async #work(id: AppointmentId): Promise<void> {
    while (!this.#stopped) {
      const action = this.#next(id);
      if (action.kind === 'wait') break;
      await this.#do(id, action);
    }
    this.#forgetIfDone(id);
  }

  #forgetIfDone(id: AppointmentId): void {
    const { stage } = this.needs.fold.state.tracker(id).state;
    if (stage === 'irrevocable') this.#attempts.forget(id);
    if (stage !== 'irrevocable' && stage !== 'penalty-refused') return;
    this.#search.forget(id);
    this.#spends.forget(id);
  }

  #next(id: AppointmentId): Action {
    const { fold, chain } = this.needs;
    const { state } = fold.state.tracker(id);
    const tip = chain.state.tip;
    if (state.stage === 'none' || !tip) return { kind: 'wait' };
    const booked = fold.state.booked({ appointmentId: id, locator: state.locator });
    const blob = booked?.status === 'live' ? { position: booked.blob } : undefined;
    return nextAction(state, {
      tip,
      isBest: (block) => chain.state.isBest(block),
      blob,
      tried: this.#attempts.wereMade(id, tip, blob),
      searched: this.#search.isDone(id, tip, state.disputeBlock),
      lastTry: this.#attempts.lastTry(id),
      traced: this.#spends.isDone(id, tip),
    });
  }

  async #do(id: AppointmentId, action: Exclude<Action, { kind: 'wait' }>): Promise<void> {
    const { state } = this.needs.fold.state.tracker(id);
    if (state.stage === 'none') return;
    switch (action.kind) {
      case 'record':
        return this.#record(id, () => ({ outcome: undefined, events: this.#ifStill(id, action) }));
      case 'record-reorg':
        // Another node's event may speak of a block that this one has not folded yet.
        await this.needs.chain.level();
        return this.#record(id, () => ({ outcome: undefined, events: this.#ifStill(id, action) }));
      case 'respond': {
        const booked = this.needs.fold.state.booked({ appointmentId: id, locator: state.locator });
        // A newer version has come meanwhile, or the end: what is to be done now is another thing.
        if (booked?.blob !== action.blob.position) return;
        const answer = await this.#attempts.respond(id, state, await this.needs.bookings.of(id, booked, READ_MS));
        if (answer) await this.#record(id, (now) => decideAnswer(answer, now));
        this.#attempts.recorded(id);
        break;
      }
      case 'rebroadcast': {
        if (!('penalty' in state && state.penalty)) return;
        const answer = await this.#attempts.rebroadcast(id, state, state.penalty);
        await this.#record(id, (now) => decideAnswer(answer, now));
        this.#attempts.recorded(id);
        break;
      }
      case 'search': {
        if (!('penalty' in state && state.penalty)) return;
        const txidInternal = reversed(fromHex(state.penalty.txid));
        const block = await this.#search.find(id, txidInternal, action.from);
        if (block) await this.#recordOf(block, id, (now) => decideConfirmed(block, now));
        break;
      }
      case 'trace':
        await this.#trace(id, state, action.from);
    }
  }

  async #trace(id: AppointmentId, state: Tracker, from: Height): Promise<void> {
    const penalty = 'penalty' in state && state.penalty ? state.penalty : this.#attempts.penaltyOf(id);
    const outputs = penalty ? neededBy(penalty, state) : [];
    const outspend = await this.#spends.find(id, { outputs, disputeTxid: state.disputeTxid, from });
    if (!penalty || !outspend) return;
    const blob = this.#attempts.blobOf(id, state);
    const { spentBy, output, block } = outspend;
    // Somebody had the penalty mined, and its own outputs are spent already.
    if (spentBy === penalty.txid) {
      const answer: Answer = { kind: 'sent', blob, penalty, refusal: undefined, height: block.height };
      return this.#record(id, (now) => decideAnswer(answer, now));
    }
    this.needs.log.warn({ appointment: id, penalty: penalty.txid, output, spentBy, block }, 'a penalty is outspent');
    await this.#recordOf(block, id, (now) => decideOutspent({ penaltyTxid: penalty.txid, blob, outspend }, now));
  }

  /** What a block says, unless the log's chain has left it: else a node that is behind would contradict the others for ever. */
  async #recordOf(block: BlockRef, id: AppointmentId, decide: Decide): Promise<void> {
    const { chain } = this.needs;
    await chain.level();
    await this.#record(id, (now) => (chain.state.isBest(block) ? decide(now) : { outcome: undefined, events: [] }));
  }

  /** The event of an action, if it is still what is to be done next. */
  #ifStill(id: AppointmentId, { kind, event }: Extract<Action, { event: TrackerEvent }>): TrackerEvent[] {
    const now = this.#next(id);
    return now.kind === kind && now.event.type === event.type ? [now.event] : [];
  }

  #record(id: AppointmentId, decide: Decide): Promise<void> {
    return this.needs.transactor.transact({
      aggregate: trackerAggregate(id),
      read: (shard) => shard.tracker(id),
      decide,
      patience: Number.POSITIVE_INFINITY,
    });
  }

  /** bitcoind or the log being away is waiting; anything else is this actor's failure. */
  #failed(id: AppointmentId, error: Error & { code?: string }): void {
    if (this.#stopped) return;
    if (!OUTAGES.has(error.code ?? '')) {
      this.needs.fail(error);
      return;
    }
    this.needs.log.warn({ ...why(error), appointment: id }, 'a breach waits for an answer');
    const retry = setTimeout(() => {
      this.#retries.delete(retry);
      this.#workOn(id);
    }, RETRY_MS);
    this.#retries.add(retry);
  }
}

type Decide = (state: TrackerState) => Decision<void, TrackerEvent>;

const RETRY_MS = 1_000;
/** How long reading an appointment may take, in ms, before it is called an outage. */
const READ_MS = 2_000;
/** A refusal where none has a meaning is one that will pass, too: nothing that bitcoind says ends a node. */
const OUTAGES = new Set([
  'bitcoind-unreachable',
  'bitcoind-unauthorized',
  'bitcoind-refused',
  'log-unavailable',
  'blob-damaged',
]);

export interface ResponderNeeds extends AttemptsNeeds, EarlySendsNeeds, PenaltySearchNeeds {
  readonly fold: Fold<ShardCommit, ShardState>;
  readonly chain: Fold<ChainCommit, BlockWindow>;
  readonly carrier: PenaltyCarrier;
  readonly transactor: Transactor;
  readonly bookings: Pick<Bookings, 'of'>;
  readonly fail: (error: Error) => void;
  readonly log: Logger;
}
