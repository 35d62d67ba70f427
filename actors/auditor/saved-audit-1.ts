import type { AppointmentId, UserId } from '../../events/ids.js';
import { type Booking, BookingTable } from './booking-table.js';
import type { SavedShard } from './shard-audit.js';
import type { UserRecord } from './user-record.js';

/** A user as the first format has it: with its appointments, in the order in which they came, and without a number. */
type UserRecord1 = Omit<UserRecord, 'number'> & { readonly appointments: ReadonlySet<AppointmentId> };

/** A shard as the first format has it. */
export type SavedShard1 = Omit<SavedShard, 'users' | 'bookings'> & {
  readonly users: ReadonlyMap<UserId, UserRecord1>;
  readonly bookings: ReadonlyMap<AppointmentId, Omit<Booking, 'owner'>>;
};

/** The same as it is saved now. */
export function fromFormat1({ users: before, bookings, ...rest }: SavedShard1): SavedShard {
  const users = new Map<UserId, UserRecord>();
  const table = new BookingTable();
  for (const [id, { appointments, ...about }] of before) {
    const owner: UserRecord = { ...about, number: users.size };
    users.set(id, owner);
    for (const appointment of appointments) {
      const booking = bookings.get(appointment);
      if (booking) table.set(appointment, { ...booking, owner });
    }
  }
  return { ...rest, users, bookings: table.save() };
}
