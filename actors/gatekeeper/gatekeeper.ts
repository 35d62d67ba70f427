import { type AcceptanceDraft, UNSTORED } from '../../events/acceptance-draft.js';
import { userAggregate } from '../../events/aggregate.js';
import type { ShardCommit } from '../../events/commit.js';
import type { Decision } from '../../events/decider.js';
import type { AppointmentId, Height, Locator, Position, UserId } from '../../events/ids.js';
import { blobHash } from '../../events/log/blobs.js';
import { LogUnavailableError } from '../../events/log/errors.js';
import { appointmentId } from '../../events/signing/appointment.js';
import type { Dialect } from '../../events/signing/receipts.js';
import type { BlobRef, UserEvent } from '../../events/user.js';
import { isLive, isOnlySighted } from '../../projections/tracker.js';
import type { Accepted, Deleted, Refusal, Registered, Shown, SubscriptionInfo } from '../outcomes.js';
import { type BlockListener, lastOf, type Run } from '../runtime/block-feed.js';
import { KeyedMailbox } from '../runtime/mailbox.js';
import { Turns } from '../runtime/turns.js';
import { type AddAppointment, type Outdate, type UserCommand, type UserOutcome, userDecider } from './decisions.js';
import { endingOf } from './endings.js';
import { type About, isDue, loadUser } from './loaded-user.js';
import type { AddAppointmentRequest, DeleteAppointmentRequest, GatekeeperNeeds } from './needs.js';
import { Receipts } from './receipts.js';
import { type Append, register } from './registration.js';
import { noChain, showAppointment, showSubscription } from './shown.js';

/**
 * The Gatekeeper: who may do what, and what it costs. One message at a time for each user.
 *
 *   Gateway --register, addAppointment, deleteAppointment, ...-----> Gatekeeper --UserRegistered ... --> log
 *                              Doorkeeper <--may it register?-------->  |  |
 *   fold ----a tracker that ended------------------------------------->  |  |
 *   block feed ---heights--------------------------------------------->  +  +--blobs--> blob store
 *
 * takes   register         more slots, a later expiry, a signed receipt
 *         addAppointment   the blob stored, then the commit that refers to it, then the receipt
 *         deleteAppointment   its slots given back and its blob erased, and a receipt for that
 *         appointment, subscription   what a user may see of its own
 *         folded           a tracker's end ends its appointment
 *         blocksConnected  subscriptions whose grace is over are outdated
 * emits   every event of a user
 */
export class Gatekeeper implements BlockListener {
  readonly #lanes = new KeyedMailbox<UserId>();
  /** Many subscriptions may run out in one block: what each holds is read from the log, so few at once. */
  readonly #turns = new Turns(OUTDATED_AT_ONCE);
  readonly #outdating = new Set<UserId>();

  constructor(private readonly needs: GatekeeperNeeds) {}

  /** Asks of every tracker that came to its end whether its appointment did. */
  start(): void {
    for (const [id] of this.needs.fold.state.trackers()) this.#settle(id);
  }

  /** Resolves when all requests under way are answered. */
  idle(): Promise<void> {
    return this.#lanes.idle();
  }

  /** Resolves when this node knows all that is on the log; rejects with `LogUnavailableError` if that takes too long. */
  async level(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new LogUnavailableError('the log did not answer in time')), REQUEST_MS);
    });
    try {
      await Promise.race([this.needs.fold.level(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** `came` is when the request did, in ms of `performance.now()`; `invite` the token that it came with, if it did. */
  register(userId: UserId, dialect: Dialect, came = performance.now(), invite?: string): Promise<Registered | Refusal> {
    const deadline = came + REQUEST_MS;
    return this.#lanes.send(userId, async () => {
      const height = this.#height();
      if (height === undefined) return noChain;
      const append: Append = (command, receipts) =>
        this.#transact(userId, command, 'none', deadline - performance.now(), receipts);
      return answerOf<Registered>(await register({ userId, dialect, invite, height, deadline }, this.needs, append));
    });
  }

  addAppointment(request: AddAppointmentRequest): Promise<Accepted | Refusal> {
    const deadline = request.came + REQUEST_MS;
    return this.#lanes.send(request.userId, () => this.#addAppointment(request, deadline));
  }

  deleteAppointment(request: DeleteAppointmentRequest): Promise<Deleted | Refusal> {
    const deadline = request.came + REQUEST_MS;
    return this.#lanes.send(request.userId, () => this.#deleteAppointment(request, deadline));
  }

  /** What a user may see of one of its appointments. Rejects with `LogUnavailableError`. */
  appointment(userId: UserId, locator: Locator): Promise<Shown | Refusal> {
    return showAppointment(this.needs, userId, locator, REQUEST_MS);
  }

  /** What a user may see of its subscription. Rejects with `LogUnavailableError`. */
  subscription(userId: UserId): Promise<SubscriptionInfo | Refusal> {
    return showSubscription(this.needs, userId, REQUEST_MS);
  }

  folded(commit: ShardCommit): void {
    if (commit.aggregate.kind === 'tracker') this.#settle(commit.aggregate.id);
  }

  /**
   * Goes by the block told, not by the tip: a breach in a block that is not evaluated yet comes before the end. For the same
   * reason nothing is outdated while a block is missing.
   */
  async blocksConnected(run: Run): Promise<void> {
    const { height } = lastOf(run);
    const { fold, terms } = this.needs;
    for (const [userId, { state }] of fold.state.users())
      if (state.status === 'registered' && height >= state.expiry + terms.grace) this.#outdate(userId, height);
  }

  async blockDisconnected(): Promise<void> {}

  async #addAppointment(request: AddAppointmentRequest, deadline: number): Promise<Accepted | Refusal> {
    const { userId, blob: bytes } = request;
    const height = this.#height();
    if (height === undefined) return noChain;
    const { fold, bookings } = this.needs;
    const id = appointmentId(request.locator, userId);
    const unstored = { position: UNSTORED, sha256: blobHash(bytes), size: bytes.length };
    const receipts = new Receipts(this.needs.sign);
    const unsigned = this.#addCommand(request, id, height, unstored, receipts);
    const known = await loadUser(fold.state, userId, unsigned, bookings, deadline - performance.now());
    const dry = userDecider.decide(unsigned, known.state);
    if (dry.events.length === 0) return answerOf<Accepted>(dry.outcome);
    const before = fold.state.booked(unsigned)?.blob;
    const stored = this.needs.blobs.put(userId, bytes, unstored.sha256);
    const drafted = receipts.signed().then(() => {
      const { events } = userDecider.decide(this.#addCommand(request, id, height, unstored, receipts), known.state);
      return receipts.isMissing ? undefined : this.needs.transactor.draft(userId, events);
    });
    const [blob, draft] = await Promise.all([stored, drafted]);
    const command = this.#addCommand(request, id, height, blob, receipts);
    const patience = () => deadline - performance.now();
    const outcome = answerOf<Accepted>(
      await receipts.settled(() => this.#transact(userId, command, command, patience(), receipts, draft)),
    );
    const now = fold.state.booked(command)?.blob;
    for (const old of [before, blob.position]) if (old && old !== now) this.needs.blobs.erase(old);
    return outcome;
  }

  #addCommand(
    request: AddAppointmentRequest,
    id: AppointmentId,
    height: Height,
    blob: BlobRef,
    { sign }: Receipts,
  ): AddAppointment {
    const { locator, toSelfDelay, userSignature } = request;
    const { maxAppointments: limit } = this.needs.terms;
    const { state } = this.needs.fold.state.tracker(id);
    const triggered = isLive(state) || state.stage === 'irrevocable';
    const full = this.needs.held() >= limit;
    const kind = 'add-appointment';
    return { kind, appointmentId: id, locator, toSelfDelay, blob, userSignature, height, triggered, full, limit, sign };
  }

  /** A breach that another node has put on the log forbids it, so it is decided level with the log. */
  async #deleteAppointment(request: DeleteAppointmentRequest, deadline: number): Promise<Deleted | Refusal> {
    const { userId, locator, receipt, userSignature } = request;
    const height = this.#height();
    if (height === undefined) return noChain;
    // Behind many of the same user's: each of them asks the log, and none would be answered in time.
    if (performance.now() > deadline) return tooLate;
    await this.level();
    const { state } = this.needs.fold;
    const key = { appointmentId: appointmentId(locator, userId), locator };
    const before = state.booked(key)?.blob;
    const receipts = new Receipts(this.needs.sign);
    const outcome = await receipts.settled(() => {
      const { appointmentId: id } = key;
      const triggered = () =>
        state.tracker(id).state.stage !== 'none' || this.needs.isAnswering(id, state.booked(key)?.blob);
      const about = { ...key, receipt, userSignature, height, sign: receipts.sign };
      const command = (): UserCommand => ({ kind: 'delete-appointment', ...about, triggered: triggered() });
      return this.#transact(userId, command, key, deadline - performance.now(), receipts);
    });
    if (before && !state.booked(key)) this.needs.blobs.erase(before);
    return answerOf<Deleted>(outcome);
  }

  /** Ends the appointment of a tracker that came to its end, and erases its blob. */
  #settle(id: AppointmentId): void {
    const { state } = this.needs.fold.state.tracker(id);
    const end = endingOf(state);
    if (!end || state.stage === 'none') return;
    const { userId, locator } = state;
    const key = { appointmentId: id, locator };
    const booked = () => this.needs.fold.state.booked(key);
    if (booked()?.status !== 'live') return;
    this.#background(userId, async () => {
      const blob = booked()?.blob;
      const command: UserCommand = { kind: 'end-appointment', appointmentId: id, end };
      await this.#transact(userId, command, key, Number.POSITIVE_INFINITY);
      if (blob && booked()?.status !== 'live') this.needs.blobs.erase(blob);
    });
  }

  #outdate(userId: UserId, height: Height): void {
    if (this.#outdating.has(userId)) return;
    const { fold, chain, terms, log } = this.needs;
    const outdate = async () => {
      const before = this.#blobsOf(userId);
      const triggered = (id: AppointmentId) => {
        const { state } = fold.state.tracker(id);
        return isLive(state) && !isOnlySighted(state);
      };
      const isGapSince = (start: Height) =>
        fold.state.scans.unreadOn(chain.state).some((block) => block.height > start - DEEPEST_REORG);
      const command: Outdate = { kind: 'outdate', height, grace: terms.grace, triggered, isGapSince };
      if (!isDue(command, fold.state.user(userId).state)) return;
      const about: About = { ending: (id) => !triggered(id) };
      do await this.needs.recent.settled();
      while ((await this.#transact(userId, command, about, Number.POSITIVE_INFINITY)).kind === 'more');
      const now = this.#blobsOf(userId);
      for (const blob of before) if (!now.has(blob)) this.needs.blobs.erase(blob);
      if (fold.state.user(userId).state.status === 'outdated')
        log.info({ user: userId, height }, 'subscription outdated');
    };
    this.#outdating.add(userId);
    this.#turns
      .take(() => this.#lanes.send(userId, outdate))
      .finally(() => this.#outdating.delete(userId))
      .catch(this.needs.fail);
  }

  #blobsOf(userId: UserId): Set<Position> {
    return new Set(Array.from(this.needs.fold.state.bookedBy(userId), ({ blob }) => blob));
  }

  #transact(
    userId: UserId,
    asked: UserCommand | (() => UserCommand),
    about: About,
    patience: number,
    receipts?: Receipts,
    draft?: AcceptanceDraft,
  ): Promise<UserOutcome> {
    return this.needs.transactor.transact({
      aggregate: userAggregate(userId),
      read: (shard) => loadUser(shard, userId, about, this.needs.bookings, patience),
      decide: (state) => {
        const command = typeof asked === 'function' ? asked() : asked;
        if (this.#isEarly(command)) return askAgain;
        const decision = userDecider.decide(command, state);
        return receipts?.isMissing ? askAgain : decision;
      },
      patience,
      draft,
    });
  }

  /**
   * An appointment that was appended late, when its subscription was over already, is compared with the blocks of its time
   * before it may end: its breach may be in one of them.
   */
  #isEarly(command: UserCommand): boolean {
    return command.kind === 'outdate' && !this.needs.recent.isSettled;
  }

  #background(userId: UserId, work: () => Promise<void>): void {
    this.#lanes.send(userId, work).catch(this.needs.fail);
  }

  #height(): Height | undefined {
    return this.needs.chain.state.tip?.height;
  }
}

const tooLate: Refusal = { kind: 'unavailable', why: 'the request waited too long; send it again' };

const OUTDATED_AT_ONCE = 2;

/** How long a request may take, in ms: later, its client may have sent something newer, which it must not undo. */
const REQUEST_MS = 4_000;

/** How far below the start of a subscription a block may come after it, in a reorg. */
const DEEPEST_REORG = 100;

const askAgain: Decision<UserOutcome, UserEvent> = { outcome: { kind: 'more' }, events: [] };

/** The outcome of a request; those of the tower's own commands cannot come here. */
function answerOf<Answer extends { kind: string }>(outcome: UserOutcome): Answer | Refusal {
  if (outcome.kind === 'done' || outcome.kind === 'more' || outcome.kind === 'swept')
    throw new TypeError(`${outcome.kind} is no answer`);
  return outcome as Answer | Refusal;
}
