import type { Decider, Decision } from '../../events/decider.js';
import { type AppointmentId, Height, type Locator, type TowerId, type UserId } from '../../events/ids.js';
import type { ImportSource } from '../../events/import.js';
import { schemeOf } from '../../events/schemes/schemes.js';
import { slotsFor } from '../../events/signing/appointment.js';
import { appointmentReceipt, type Dialect, registrationReceipt } from '../../events/signing/receipts.js';
import type { AppointmentEnded, BlobRef, UserEvent } from '../../events/user.js';
import {
  type Bookings,
  bookingsOf,
  evolveUser,
  identityOf,
  MOST_SLOTS,
  type Subscription,
  type UserState,
  unknownUser,
  type WithBookings,
} from '../../projections/user.js';
import type { Accepted, Admission, Deleted, Refusal, Registered } from '../outcomes.js';
import { type DeleteAppointment, deleteAppointment } from './deletion.js';

/** What the Gatekeeper may decide about one user. Everything here is pure; heights, blobs and signing arrive in the command. */

/**
 * Signs the bytes of a receipt with the key of one of the tower's identities, the log's first if it is undefined: a pure
 * function, since such signatures are deterministic (RFC 6979).
 */
export type Sign = (receipt: Uint8Array, identity?: TowerId) => string;

export interface Register {
  readonly kind: 'register';
  readonly userId: UserId;
  readonly dialect: Dialect;
  readonly height: Height;
  /** What a registration gives: slots, and blocks until it expires. */
  readonly slots: number;
  readonly duration: number;
  /** How many slots a user may have at the most. */
  readonly mostSlots: number;
  /** Whether the tower has as many users as it may. */
  readonly full: boolean;
  readonly limit: number;
  /** By what right: what is for a renewal alone makes no new subscription. */
  readonly admission: Admission | 'renewal';
  /** The identity that newcomers are served by; left out where it is the log's first. */
  readonly identity?: TowerId | undefined;
  /** Of a subscription that was another tower's: the store that it is brought from. */
  readonly importedFrom?: ImportSource | undefined;
  readonly sign: Sign;
}

export interface AddAppointment {
  readonly kind: 'add-appointment';
  readonly appointmentId: AppointmentId;
  readonly locator: Locator;
  readonly toSelfDelay: number;
  readonly blob: BlobRef;
  readonly userSignature: string;
  readonly height: Height;
  /** Whether its breach is being answered already. */
  readonly triggered: boolean;
  /** Whether the tower holds as many appointments as it may. */
  readonly full: boolean;
  readonly limit: number;
  readonly sign: Sign;
}

/** The tracker of an appointment came to its end. `blob` is the position of the blob that was of no use. */
export interface EndAppointment {
  readonly kind: 'end-appointment';
  readonly appointmentId: AppointmentId;
  readonly end: { readonly reason: 'resolved' } | { readonly reason: 'rejected'; readonly blob: number };
}

/** Asks whether the user's time is over. */
export interface Outdate {
  readonly kind: 'outdate';
  readonly height: Height;
  /** Blocks between a subscription's expiry and its being forgotten. */
  readonly grace: number;
  /** Whether an appointment's breach was in a block and is being answered: then it is carried to the end. */
  readonly triggered: (id: AppointmentId) => boolean;
  /** Whether a block that came since a height could not be read yet: it may hold a breach. */
  readonly isGapSince: (height: Height) => boolean;
}

/** Old blobs of the user were found: which of them does no appointment refer to? */
export interface Sweep {
  readonly kind: 'sweep';
  /** Their positions in the shard's blob stream. */
  readonly blobs: readonly number[];
  readonly isWanted: (position: number) => boolean;
}

export type UserCommand = Register | AddAppointment | DeleteAppointment | EndAppointment | Outdate | Sweep;

export type UserOutcome =
  | Registered
  | Accepted
  | Deleted
  | Refusal
  | { readonly kind: 'done' }
  /** These blobs are to be erased. */
  | { readonly kind: 'swept'; readonly blobs: readonly number[] }
  /** More is to be decided than one commit holds: ask again. */
  | { readonly kind: 'more' };

export type Decided = Decision<UserOutcome, UserEvent>;

const MOST_HEIGHT = 0xffffffff;
type Known = NonNullable<ReturnType<Bookings['get']>>;
/** How many appointments one commit ends at the most, so that it stays far below a message's size. */
export const ENDINGS_A_COMMIT = 1000;

export const userDecider: Decider<UserState, UserCommand, UserOutcome, UserEvent> = {
  initialState: unknownUser,
  evolve: evolveUser,
  decide(command, state) {
    switch (command.kind) {
      case 'register':
        return register(command, state);
      case 'add-appointment':
        return addAppointment(command, state);
      case 'delete-appointment':
        return deleteAppointment(command, state);
      case 'end-appointment':
        return endAppointment(command, state);
      case 'outdate':
        return outdate(command, state);
      case 'sweep':
        return sweep(command, state);
    }
  },
};

const refuse = (refusal: Refusal): Decided => ({ outcome: refusal, events: [] });

/** Whoever was known once keeps its identity: its client takes a receipt by another for fraud. */
function register(command: Register, state: UserState): Decided {
  const { userId, dialect, height, duration, sign, ...terms } = command;
  const known = state.status === 'registered' ? state : undefined;
  if (known && known.dialect !== dialect) return refuse({ kind: 'other-dialect', dialect: known.dialect });
  const slots = (known?.slots ?? 0) + terms.slots;
  if (slots > Math.min(terms.mostSlots, MOST_SLOTS)) return refuse({ kind: 'max-slots-reached' });
  if (!known && terms.full) return refuse({ kind: 'user-limit-reached', limit: terms.limit });
  if (!known && terms.admission === 'renewal') return refuse(justOutdated);
  const start = known?.start ?? height;
  // Always on top of the old expiry: a rust client refuses a renewal that does not move it (design.md section 5).
  const expiry = Height.parse(Math.min((known?.expiry ?? height) + duration, MOST_HEIGHT));
  const identity = state.status === 'unknown' ? terms.identity : identityOf(state);
  const receiptSignature = sign(registrationReceipt(dialect, { userId, slots, start, expiry }), identity);
  const subscription = { dialect, slots, start, expiry, receiptSignature };
  const changed = { slotsAdded: terms.slots, ...subscription };
  const outcome: UserOutcome = { kind: 'registered', ...subscription };
  if (known) return { outcome, events: [{ type: 'SubscriptionRenewed', ...changed }] };
  const by = terms.admission === 'renewal' ? undefined : terms.admission.by;
  const { importedFrom } = command;
  const more = {
    ...(by && { admittedBy: by }),
    ...(identity !== undefined && { identity }),
    ...(importedFrom && { importedFrom }),
  };
  return { outcome, events: [{ type: 'UserRegistered', ...changed, ...more }] };
}

const justOutdated: Refusal = { kind: 'unavailable', why: 'the subscription ended just now; send it again' };

function addAppointment(command: AddAppointment, state: UserState): Decided {
  if (state.status !== 'registered') return refuse({ kind: 'authentication-failed' });
  if (command.height >= state.expiry) return refuse({ kind: 'subscription-expired', expiry: state.expiry });
  const before = state.appointments.get(command.appointmentId);
  if (command.full && before?.status !== 'live')
    return refuse({ kind: 'appointment-limit-reached', limit: command.limit });
  const same = acceptedBefore(command, state);
  if (same) return same;
  if (command.triggered) return refuse({ kind: 'already-triggered' });
  return sweptMeanwhile(command, state) ?? charge(command, state, before);
}

/** The very same request again, its answer perhaps lost: the receipt that was given, and nothing new. */
function acceptedBefore(command: AddAppointment, state: WithBookings<Subscription>): Decided | undefined {
  const before = state.appointments.get(command.appointmentId);
  if (before?.status !== 'live') return undefined;
  const same =
    before.userSignature === command.userSignature &&
    before.blob.sha256 === command.blob.sha256 &&
    before.toSelfDelay === command.toSelfDelay &&
    before.scheme === schemeOf(state.dialect).name;
  if (!same) return undefined;
  const { startBlock, receiptSignature } = before;
  return { outcome: accepted(command, state.slots, state.expiry, startBlock, receiptSignature), events: [] };
}

/** Its blob was stored so long ago that it was taken for one that nobody wants; not so what is not stored yet (`UNSTORED`). */
function sweptMeanwhile({ blob }: AddAppointment, { swept = 0 }: Subscription): Decided | undefined {
  if (blob.position > swept) return undefined;
  return refuse({ kind: 'unavailable', why: 'the request took too long; send it again' });
}

function charge(
  command: AddAppointment,
  { dialect, slots: available, expiry, identity }: Subscription,
  before: Known | undefined,
): Decided {
  const { appointmentId, locator, toSelfDelay, blob, userSignature } = command;
  const startBlock = startOf(command, before);
  const slots = slotsFor(blob.size);
  // What was deleted is paid back.
  const paid = before && before.status !== 'deleted' ? before.slots : 0;
  const slotsLeft = Math.min(available - (slots - paid), MOST_SLOTS);
  if (slotsLeft < 0) return refuse({ kind: 'not-enough-slots', needed: slots - paid, available });
  const receiptSignature = command.sign(appointmentReceipt(dialect, { userSignature, startBlock }), identity);
  return {
    outcome: accepted(command, slotsLeft, expiry, startBlock, receiptSignature),
    events: [
      {
        type: 'AppointmentAccepted',
        appointmentId,
        locator,
        scheme: schemeOf(dialect).name,
        slots,
        slotsLeft,
        startBlock,
        toSelfDelay,
        blob,
        userSignature,
        receiptSignature,
      },
    ],
  };
}

/**
 * The height, or later: what is added after a deletion starts after what was deleted, and no version before the one it
 * replaces. So no receipt is ever given twice, and a request to delete one deletes nothing that was added later.
 */
function startOf({ height }: AddAppointment, before: Known | undefined): Height {
  if (!before) return height;
  const least = before.status === 'deleted' ? before.deletion.startBlock + 1 : before.startBlock;
  return least > height ? Height.parse(Math.min(least, MOST_HEIGHT)) : height;
}

function accepted(
  { appointmentId, locator }: AddAppointment,
  slots: number,
  expiry: Height,
  startBlock: Height,
  receiptSignature: string,
): Accepted {
  return { kind: 'accepted', appointmentId, locator, startBlock, receiptSignature, slots, expiry };
}

function endAppointment({ appointmentId, end }: EndAppointment, state: UserState): Decided {
  const booking = bookingsOf(state).get(appointmentId);
  const done: UserOutcome = { kind: 'done' };
  if (booking?.status !== 'live') return { outcome: done, events: [] };
  // A newer version of the appointment has another blob, which the refusal says nothing about.
  if (end.reason === 'rejected' && end.blob !== booking.blob.position) return { outcome: done, events: [] };
  const slotsRefunded = end.reason === 'resolved' ? booking.slots : 0;
  return { outcome: done, events: [{ type: 'AppointmentEnded', appointmentId, reason: end.reason, slotsRefunded }] };
}

function outdate({ height, grace, triggered, isGapSince }: Outdate, state: UserState): Decided {
  const nothing: Decided = { outcome: { kind: 'done' }, events: [] };
  if (state.status !== 'registered' || height < state.expiry + grace || isGapSince(state.start)) return nothing;
  const over = Array.from(state.appointments).flatMap(([appointmentId, booking]): AppointmentEnded[] =>
    booking.status === 'live' && !triggered(appointmentId)
      ? [{ type: 'AppointmentEnded', appointmentId, reason: 'expired', slotsRefunded: booking.slots }]
      : [],
  );
  const endings = over.slice(0, ENDINGS_A_COMMIT);
  if (over.length > endings.length) return { outcome: { kind: 'more' }, events: endings };
  return { outcome: { kind: 'done' }, events: [...endings, { type: 'SubscriptionOutdated', height }] };
}

/**
 * A blob is stored before the commit that refers to it, and that commit may be under way for however long. The event
 * makes it a commit that was decided too early, so that it is refused, and decided again, and then the blob is too old.
 */
function sweep({ blobs, isWanted }: Sweep, state: UserState): Decided {
  const unwanted = blobs.filter((position) => !isWanted(position));
  const through = unwanted.reduce((most, position) => Math.max(most, position), 0);
  const isNews = state.status !== 'unknown' && through > (state.swept ?? 0);
  return { outcome: { kind: 'swept', blobs: unwanted }, events: isNews ? [{ type: 'BlobsSwept', through }] : [] };
}
