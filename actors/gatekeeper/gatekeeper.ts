import type { Logger } from 'pino';
import { userAggregate } from '../../events/aggregate.js';
import type { ChainCommit, ShardCommit } from '../../events/commit.js';
import type { Decision } from '../../events/decider.js';
import type { AppointmentId, Height, Locator, UserId } from '../../events/ids.js';
import { blobHash } from '../../events/log/blobs.js';
import { LogUnavailableError } from '../../events/log/errors.js';
import { appointmentId } from '../../events/signing/appointment.js';
import type { Dialect } from '../../events/signing/receipts.js';
import type { BlobRef, UserEvent } from '../../events/user.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import type { ShardState } from '../../projections/shard-state.js';
import { isLive, isOnlySighted } from '../../projections/tracker.js';
import type { Subscription } from '../../projections/user.js';
import type { Accepted, Refusal, Registered, Shown, SubscriptionInfo } from '../outcomes.js';
import { type BlockListener, lastOf, type Run } from '../runtime/block-feed.js';
import { KeyedMailbox } from '../runtime/mailbox.js';
import type { Transactor } from '../runtime/transact.js';
import { type AddAppointment, type Sign, type UserCommand, type UserOutcome, userDecider } from './decisions.js';
import { endingOf } from './endings.js';

/**
 * The Gatekeeper: who may do what, and what it costs. One message at a time for each user.
 *
 *   Gateway --register, addAppointment, appointment, subscription--> Gatekeeper --UserRegistered ... --> log
 *   fold ----a tracker that ended------------------------------------->  |  |
 *   block feed ---heights--------------------------------------------->  +  +--blobs--> blob store
 *
 * takes   register         more slots, a later expiry, a signed receipt
 *         addAppointment   the blob stored, then the commit that refers to it, then the receipt
 *         appointment, subscription   what a user may see of its own
 *         folded           a tracker's end ends its appointment
 *         blocksConnected  subscriptions whose grace is over are outdated
 * emits   every event of a user
 */
export class Gatekeeper implements BlockListener {
  readonly #lanes = new KeyedMailbox<UserId>();

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

  register(userId: UserId, dialect: Dialect): Promise<Registered | Refusal> {
    const deadline = performance.now() + REQUEST_MS;
    return this.#lanes.send(userId, async () => {
      const height = this.#height();
      if (height === undefined) return noChain;
      const { slots, duration } = this.needs.terms;
      const command: UserCommand = {
        kind: 'register',
        userId,
        dialect,
        height,
        slots,
        duration,
        sign: this.needs.sign,
      };
      return answerOf<Registered>(await this.#transact(userId, command, deadline - performance.now()));
    });
  }

  addAppointment(request: AddAppointmentRequest): Promise<Accepted | Refusal> {
    const deadline = performance.now() + REQUEST_MS;
    return this.#lanes.send(request.userId, () => this.#addAppointment(request, deadline));
  }

  /** What a user may see of one of its appointments. */
  appointment(userId: UserId, locator: Locator): Shown | Refusal {
    const account = this.#account(userId);
    if (account.kind !== 'account') return account;
    const id = appointmentId(locator, userId);
    const booking = account.subscription.appointments.get(id);
    if (booking?.status !== 'live') return { kind: 'appointment-not-found' };
    const { state } = this.needs.fold.state.tracker(id);
    if (isLive(state) && 'penalty' in state && state.penalty)
      return { kind: 'responded', locator, disputeTxid: state.disputeTxid, penalty: state.penalty };
    return { kind: 'watched', locator, blob: booking.blob, toSelfDelay: booking.toSelfDelay };
  }

  subscription(userId: UserId): SubscriptionInfo | Refusal {
    const account = this.#account(userId);
    if (account.kind !== 'account') return account;
    const { slots, expiry, appointments } = account.subscription;
    const live = Array.from(appointments.values()).filter(({ status }) => status === 'live');
    return { kind: 'subscription', slots, expiry, locators: live.map(({ locator }) => locator) };
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
    const id = appointmentId(request.locator, userId);
    const unstored = { position: 0, sha256: blobHash(bytes), size: bytes.length };
    const unsigned = this.#addCommand(request, id, height, unstored, () => '');
    const dry = userDecider.decide(unsigned, this.needs.fold.state.user(userId).state);
    if (dry.events.length === 0) return answerOf<Accepted>(dry.outcome);
    const before = this.needs.fold.state.booking(userId, id)?.blob;
    const blob = await this.needs.blobs.put(userId, bytes);
    const command = this.#addCommand(request, id, height, blob, this.needs.sign);
    const outcome = answerOf<Accepted>(await this.#transact(userId, command, deadline - performance.now()));
    const now = this.needs.fold.state.booking(userId, id)?.blob;
    for (const old of [before, blob]) if (old && old.position !== now?.position) this.needs.blobs.erase(old);
    return outcome;
  }

  #addCommand(
    request: AddAppointmentRequest,
    id: AppointmentId,
    height: Height,
    blob: BlobRef,
    sign: Sign,
  ): AddAppointment {
    const { locator, toSelfDelay, userSignature } = request;
    const { maxAppointments: limit } = this.needs.terms;
    const { state } = this.needs.fold.state.tracker(id);
    const triggered = isLive(state) || state.stage === 'irrevocable';
    const full = this.needs.held() >= limit;
    const kind = 'add-appointment';
    return { kind, appointmentId: id, locator, toSelfDelay, blob, userSignature, height, triggered, full, limit, sign };
  }

  #account(userId: UserId): { kind: 'account'; subscription: Subscription } | Refusal {
    const { state } = this.needs.fold.state.user(userId);
    const height = this.#height();
    if (height === undefined) return noChain;
    if (state.status !== 'registered') return { kind: 'authentication-failed' };
    if (height >= state.expiry) return { kind: 'subscription-expired', expiry: state.expiry };
    return { kind: 'account', subscription: state };
  }

  /** Ends the appointment of a tracker that came to its end, and erases its blob. */
  #settle(id: AppointmentId): void {
    const { state } = this.needs.fold.state.tracker(id);
    const end = endingOf(state);
    if (!end || state.stage === 'none') return;
    const { userId } = state;
    if (this.needs.fold.state.booking(userId, id)?.status !== 'live') return;
    this.#background(userId, async () => {
      const blob = this.needs.fold.state.booking(userId, id)?.blob;
      await this.#transact(userId, { kind: 'end-appointment', appointmentId: id, end }, Number.POSITIVE_INFINITY);
      if (blob && this.needs.fold.state.booking(userId, id)?.status !== 'live') this.needs.blobs.erase(blob);
    });
  }

  #outdate(userId: UserId, height: Height): void {
    const { fold, chain, terms, log } = this.needs;
    this.#background(userId, async () => {
      const before = this.#blobsOf(userId);
      const triggered = (id: AppointmentId) => {
        const { state } = fold.state.tracker(id);
        return isLive(state) && !isOnlySighted(state);
      };
      const isGapSince = (start: Height) =>
        fold.state.scans.unreadOn(chain.state).some((block) => block.height > start - DEEPEST_REORG);
      const command: UserCommand = { kind: 'outdate', height, grace: terms.grace, triggered, isGapSince };
      do await this.needs.recent.settled();
      while ((await this.#transact(userId, command, Number.POSITIVE_INFINITY)).kind === 'more');
      const now = this.#blobsOf(userId);
      for (const [id, blob] of before) if (!now.has(id)) this.needs.blobs.erase(blob);
      if (fold.state.user(userId).state.status === 'outdated')
        log.info({ user: userId, height }, 'subscription outdated');
    });
  }

  #blobsOf(userId: UserId): Map<AppointmentId, BlobRef> {
    const { state } = this.needs.fold.state.user(userId);
    const bookings = state.status === 'unknown' ? [] : Array.from(state.appointments);
    return new Map(bookings.map(([id, { blob }]) => [id, blob]));
  }

  #transact(userId: UserId, command: UserCommand, patience: number): Promise<UserOutcome> {
    return this.needs.transactor.transact({
      aggregate: userAggregate(userId),
      read: (shard) => shard.user(userId),
      decide: (state) => (this.#isEarly(command) ? askAgain : userDecider.decide(command, state)),
      patience,
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

/** How long a request may take, in ms: later, its client may have sent something newer, which it must not undo. */
const REQUEST_MS = 4_000;

/** How far below the start of a subscription a block may come after it, in a reorg. */
const DEEPEST_REORG = 100;

const askAgain: Decision<UserOutcome, UserEvent> = { outcome: { kind: 'more' }, events: [] };

const noChain: Refusal = { kind: 'unavailable', why: 'the tower has not seen the chain yet' };

/** The outcome of a request; those of the tower's own commands cannot come here. */
function answerOf<Answer extends { kind: string }>(outcome: UserOutcome): Answer | Refusal {
  if (outcome.kind === 'done' || outcome.kind === 'more' || outcome.kind === 'swept')
    throw new TypeError(`${outcome.kind} is no answer`);
  return outcome as Answer | Refusal;
}

export interface AddAppointmentRequest {
  readonly userId: UserId;
  readonly locator: Locator;
  readonly blob: Uint8Array;
  readonly toSelfDelay: number;
  readonly userSignature: string;
}

/** What a subscription is, and what the tower holds at the most. */
export interface Terms {
  /** Slots that one registration gives. */
  readonly slots: number;
  /** Blocks that one registration lasts. */
  readonly duration: number;
  /** Blocks between a subscription's expiry and its being forgotten. */
  readonly grace: number;
  readonly maxAppointments: number;
}

/** The comparing of new appointments with recent blocks. */
export interface RecentBreaches {
  /** Whether every appointment folded so far was compared, and what that found is on the log. */
  readonly isSettled: boolean;
  /** Resolves when that is so. */
  settled(): Promise<void>;
}

/** The blobs of one shard. */
export interface Blobs {
  put(userId: UserId, blob: Uint8Array): Promise<BlobRef>;
  /** Erases in the background; what fails is swept later. */
  erase(blob: BlobRef): void;
}

export interface GatekeeperNeeds {
  readonly fold: Fold<ShardCommit, ShardState>;
  readonly chain: Fold<ChainCommit, BlockWindow>;
  readonly transactor: Transactor;
  readonly blobs: Blobs;
  readonly recent: RecentBreaches;
  readonly terms: Terms;
  /** The number of appointments that the whole tower holds. */
  readonly held: () => number;
  readonly sign: Sign;
  readonly fail: (error: Error) => void;
  readonly log: Logger;
}
