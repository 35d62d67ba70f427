import type { AppointmentId, Height, Locator, TowerId } from '../events/ids.js';
import type { SchemeName } from '../events/schemes/scheme.js';
import type { Dialect } from '../events/signing/receipts.js';
import type { AppointmentAccepted, AppointmentEnded, BlobRef, Deletion, UserEvent } from '../events/user.js';
import type { Booked } from './watchlist.js';

/** What is known of one user: the fold of its events. */

/** An appointment as its user's account has it. */
export interface Booking {
  readonly locator: Locator;
  readonly scheme: SchemeName;
  /** The slots it was charged. */
  readonly slots: number;
  readonly startBlock: Height;
  readonly toSelfDelay: number;
  readonly blob: BlobRef;
  readonly userSignature: string;
  readonly receiptSignature: string;
  readonly status: Exclude<Booked['status'], 'deleted'>;
}

/** What is remembered of one that its user had deleted. */
export interface DeletedBooking {
  readonly status: 'deleted';
  readonly deletion: Deletion;
}

/** What 32 bits hold: no receipt and no answer can say more. */
export const MOST_SLOTS = 0xffffffff;

export type Bookings = Map<AppointmentId, Booking | DeletedBooking>;

/** What a user has, apart from its appointments. */
export interface Subscription {
  readonly status: 'registered';
  readonly dialect: Dialect;
  /** Slots still available. */
  readonly slots: number;
  readonly start: Height;
  readonly expiry: Height;
  /** The tower's identity that signs for it; undefined for the log's first. */
  readonly identity?: TowerId;
  /** Blobs up to this position may not be referred to any more; undefined if none was ever swept. */
  readonly swept?: number;
}

export type Account =
  | { readonly status: 'unknown' }
  | Subscription
  /** Forgotten, but for the appointments whose breach is still being answered. */
  | { readonly status: 'outdated'; readonly identity?: TowerId; readonly swept?: number };

/** An account with its appointments, or with those of them that are asked about. */
export type UserState = WithBookings<Account>;
export type WithBookings<A extends Account> = A extends { readonly status: 'unknown' }
  ? A
  : A & { readonly appointments: Bookings };

export const unknownUser = (): { readonly status: 'unknown' } => ({ status: 'unknown' });

/** The bookings of a user in any state. */
export const bookingsOf = (state: UserState): Bookings => (state.status === 'unknown' ? new Map() : state.appointments);

/** The account with these of its bookings. */
export const withBookings = (account: Account, appointments: Bookings): UserState =>
  account.status === 'unknown' ? account : { ...account, appointments };

/** The state after an event. It takes over the state it is given: the map of bookings is changed in place. */
export const evolveUser = (state: UserState, event: UserEvent): UserState =>
  withBookings(evolveAccount(state, event), evolveBookings(state, event));

/** What of an event an account depends on. */
type AccountEvent = Exclude<UserEvent, AppointmentAccepted> | Pick<AppointmentAccepted, 'type' | 'slotsLeft'>;

/** The account after an event: what of the state does not depend on any one appointment. */
export function evolveAccount(account: Account, event: AccountEvent): Account {
  switch (event.type) {
    case 'UserRegistered':
    case 'SubscriptionRenewed': {
      const { dialect, slots, start, expiry } = event;
      const { identity } = event.type === 'UserRegistered' ? event : ofIdentity(account);
      const rest = { ...(identity !== undefined && { identity }), ...sweptOf(account) };
      return { status: 'registered', dialect, slots, start, expiry, ...rest };
    }
    case 'AppointmentAccepted':
      return account.status === 'registered' ? withSlots(account, event.slotsLeft) : account;
    case 'AppointmentEnded': {
      if (account.status !== 'registered') return account;
      return withSlots(account, Math.min(account.slots + event.slotsRefunded, MOST_SLOTS));
    }
    case 'SubscriptionOutdated':
      return { status: 'outdated', ...ofIdentity(account), ...sweptOf(account) };
    case 'BlobsSwept':
      return account.status === 'unknown'
        ? account
        : { ...account, swept: Math.max(event.through, account.swept ?? 0) };
  }
}

/** Written out, since this is done for every appointment: a spread takes ten times as long. */
function withSlots(account: Subscription, slots: number): Subscription {
  const { status, dialect, start, expiry, identity, swept } = account;
  if (identity !== undefined) return { ...account, slots };
  return swept === undefined
    ? { status, dialect, slots, start, expiry }
    : { status, dialect, slots, start, expiry, swept };
}

/** The tower's identity that signs for a user; undefined for the log's first, and for who is not known. */
export const identityOf = (account: Account): TowerId | undefined =>
  account.status === 'unknown' ? undefined : account.identity;

function ofIdentity(account: Account): { identity?: TowerId } {
  const identity = identityOf(account);
  return identity === undefined ? {} : { identity };
}

const sweptOf = (account: Account): { swept?: number } =>
  'swept' in account && account.swept !== undefined ? { swept: account.swept } : {};

function evolveBookings(state: UserState, event: UserEvent): Bookings {
  const bookings = bookingsOf(state);
  switch (event.type) {
    case 'AppointmentAccepted':
      return state.status === 'registered' ? bookings.set(event.appointmentId, bookingOf(event)) : bookings;
    case 'AppointmentEnded':
      return endAppointment(bookings, event, state.status);
    case 'SubscriptionOutdated':
      return new Map(Array.from(bookings).filter(([, { status }]) => status === 'live'));
    default:
      return bookings;
  }
}

/** An appointment as the event that accepted it has it. */
export function bookingOf(event: AppointmentAccepted): Booking & { readonly status: 'live' } {
  const { locator, scheme, slots, startBlock, toSelfDelay, blob, userSignature, receiptSignature } = event;
  const status = 'live';
  return { locator, scheme, slots, startBlock, toSelfDelay, blob, userSignature, receiptSignature, status };
}

/** What becomes of an appointment that ended: what was rejected or deleted is remembered as long as there is a subscription. */
export const rememberedAs = (
  { reason }: AppointmentEnded,
  status: Account['status'],
): 'rejected' | 'deleted' | undefined =>
  status === 'registered' && (reason === 'rejected' || reason === 'deleted') ? reason : undefined;

function endAppointment(bookings: Bookings, event: AppointmentEnded, status: Account['status']): Bookings {
  const { appointmentId: id } = event;
  const ended = bookings.get(id);
  const as = rememberedAs(event, status);
  if (as === 'deleted' && event.deletion) bookings.set(id, { status: as, deletion: event.deletion });
  else if (as === 'rejected' && ended && ended.status !== 'deleted') bookings.set(id, { ...ended, status: as });
  else bookings.delete(id);
  return bookings;
}
