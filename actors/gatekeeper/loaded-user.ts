import type { AppointmentId, UserId } from '../../events/ids.js';
import type { ShardState, Versioned } from '../../projections/shard-state.js';
import { type Account, type Bookings as BookingsById, type UserState, withBookings } from '../../projections/user.js';
import type { AppointmentKey, Booked } from '../../projections/watchlist.js';
import type { Bookings } from '../bookings.js';
import { ENDINGS_A_COMMIT, type Outdate, userDecider } from './decisions.js';

/**
 * Which of a user's appointments a command is about: none, one, or as many of the live ones as one commit may end. Those
 * that are being answered are not among them.
 */
export type About = 'none' | AppointmentKey | { readonly ending: (id: AppointmentId) => boolean };

/** How many appointments are read from the log at once. */
const AT_ONCE = 100;

const NONE: BookingsById = new Map();

/**
 * A user's state to decide a command on: the account as folded so far, with the appointments that the command is about, read
 * back from the log. The version is that of the account, so that what others wrote meanwhile is a conflict.
 *
 * Given at once where nothing is to be read: so it is for a new appointment.
 */
export function loadUser(
  shard: ShardState,
  userId: UserId,
  about: About,
  bookings: Pick<Bookings, 'of' | 'at' | 'deletionOf'>,
  patience: number,
): Versioned<UserState> | Promise<Versioned<UserState>> {
  const { state, version } = shard.user(userId);
  const withThese = (appointments: BookingsById) => ({ state: withBookings(state, appointments), version });
  if (about === 'none') return withThese(NONE);
  if ('ending' in about)
    return loadEnding(Array.from(shard.bookedBy(userId)), about.ending, bookings, patience).then(withThese);
  const { appointmentId } = about;
  const booked = shard.remembered(about);
  if (!booked) return withThese(NONE);
  const read = async () =>
    booked.status === 'deleted'
      ? bookings.deletionOf(appointmentId, booked, patience)
      : bookings.of(appointmentId, booked, patience);
  return read().then((found) => withThese(new Map([[appointmentId, found]])));
}

/** Whether it is time for a user to be outdated, whatever appointments it has: else there is no need to read any. */
export const isDue = (command: Outdate, account: Account): boolean =>
  userDecider.decide(command, withBookings(account, NONE)).events.length > 0;

/** One more than a commit ends, so that it is known whether there are more. */
async function loadEnding(
  all: readonly Booked[],
  isEnding: (id: AppointmentId) => boolean,
  bookings: Pick<Bookings, 'at'>,
  patience: number,
): Promise<BookingsById> {
  const live = all.filter(({ status }) => status === 'live');
  const ending: BookingsById = new Map();
  for (let i = 0; i < live.length && ending.size <= ENDINGS_A_COMMIT; i += AT_ONCE)
    for (const found of await Promise.all(live.slice(i, i + AT_ONCE).map((booked) => bookings.at(booked, patience))))
      if (isEnding(found.appointmentId)) ending.set(found.appointmentId, found);
  return ending;
}
