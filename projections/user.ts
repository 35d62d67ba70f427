import type { AppointmentId, Height, Locator } from '../events/ids.js';
import type { SchemeName } from '../events/schemes/scheme.js';
import type { Dialect } from '../events/signing/receipts.js';
import type { AppointmentAccepted, BlobRef, UserEvent } from '../events/user.js';

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
  /**
   * `live`: the tower acts on it. `rejected`: its breach came and its blob was of no use; it stays charged, so that
   * sending it again costs nothing more (design.md section 5).
   */
  readonly status: 'live' | 'rejected';
}

/** What 32 bits hold: no receipt and no answer can say more. */
export const MOST_SLOTS = 0xffffffff;

export type Bookings = Map<AppointmentId, Booking>;

export interface Subscription {
  readonly status: 'registered';
  readonly dialect: Dialect;
  /** Slots still available. */
  readonly slots: number;
  readonly start: Height;
  readonly expiry: Height;
  readonly appointments: Bookings;
  /** Blobs up to this position may not be referred to any more; undefined if none was ever swept. */
  readonly swept?: number;
}

export type UserState =
  | { readonly status: 'unknown' }
  | Subscription
  /** Forgotten, but for the appointments whose breach is still being answered. */
  | { readonly status: 'outdated'; readonly appointments: Bookings; readonly swept?: number };

export const unknownUser = (): UserState => ({ status: 'unknown' });

/** The bookings of a user in any state. */
export const bookingsOf = (state: UserState): Bookings => (state.status === 'unknown' ? new Map() : state.appointments);

/** The state after an event. It takes over the state it is given: the map of bookings is changed in place. */
export function evolveUser(state: UserState, event: UserEvent): UserState {
  switch (event.type) {
    case 'UserRegistered':
    case 'SubscriptionRenewed': {
      const { dialect, slots, start, expiry } = event;
      return {
        status: 'registered',
        dialect,
        slots,
        start,
        expiry,
        appointments: bookingsOf(state),
        ...sweptOf(state),
      };
    }
    case 'AppointmentAccepted':
      if (state.status !== 'registered') return state;
      state.appointments.set(event.appointmentId, booking(event));
      return { ...state, slots: event.slotsLeft };
    case 'AppointmentEnded':
      return endAppointment(state, event.appointmentId, event.reason === 'rejected', event.slotsRefunded);
    case 'SubscriptionOutdated':
      return { status: 'outdated', appointments: onlyLive(bookingsOf(state)), ...sweptOf(state) };
    case 'BlobsSwept':
      return state.status === 'unknown' ? state : { ...state, swept: Math.max(event.through, state.swept ?? 0) };
  }
}

const sweptOf = (state: UserState): { swept?: number } => ('swept' in state ? { swept: state.swept } : {});

function onlyLive(bookings: Bookings): Bookings {
  return new Map(Array.from(bookings).filter(([, { status }]) => status === 'live'));
}

function booking(event: AppointmentAccepted): Booking {
  const { locator, scheme, slots, startBlock, toSelfDelay, blob, userSignature, receiptSignature } = event;
  const status = 'live';
  return { locator, scheme, slots, startBlock, toSelfDelay, blob, userSignature, receiptSignature, status };
}

function endAppointment(state: UserState, id: AppointmentId, rejected: boolean, refund: number): UserState {
  const bookings = bookingsOf(state);
  const ended = bookings.get(id);
  if (rejected && ended && state.status === 'registered') bookings.set(id, { ...ended, status: 'rejected' });
  else bookings.delete(id);
  return state.status === 'registered' ? { ...state, slots: Math.min(state.slots + refund, MOST_SLOTS) } : state;
}
