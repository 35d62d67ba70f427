import type { AppointmentId, Height, Locator, UserId } from '../../events/ids.js';
import type { ShardState } from '../../projections/shard-state.js';
import { isLive, type LiveTracker } from '../../projections/tracker.js';
import { type Booking, bookingsOf } from '../../projections/user.js';
import { isStuck, type Waiting, waitingOf } from '../../projections/waiting.js';

/** Long lists, a page at a time: there may be millions of appointments. Pure reads of the folded state. */

/** A page, and where the next one begins; null after the last. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** An appointment as the operator sees it. */
export interface ListedAppointment {
  readonly appointment_id: AppointmentId;
  readonly locator: Locator;
  readonly user_id: UserId;
  readonly status: 'being_watched' | 'dispute_responded' | 'rejected';
  readonly slots: number;
  readonly start_block: number;
  readonly to_self_delay: number;
  readonly blob_bytes: number;
}

/** A tracker as the operator sees it. */
export interface ListedTracker {
  readonly appointment_id: AppointmentId;
  readonly user_id: UserId;
  readonly locator: Locator;
  readonly stage: LiveTracker['stage'];
  readonly dispute_txid: string;
  readonly dispute_height: number | null;
  /** The tip's height when the dispute was seen in the mempool; null once it was in a block. */
  readonly sighted_height: number | null;
  readonly penalty_txid: string | null;
  readonly penalty_height: number | null;
  /** Why bitcoind would not take the penalty when it was last asked; null if it did. */
  readonly refusal: string | null;
  /** What comes next, if all goes well, and the height since which it has been waited for. */
  readonly waits_for: Waiting['for'];
  readonly since_height: number | null;
  /** Whether the penalty could have been mined for six blocks or more, and was not. */
  readonly stuck: boolean;
}

/** Users of all shards in the order of their registration; see `page` for the cursor. */
export function pageOfUsers(shards: readonly ShardState[], cursor: string, limit: number): Page<UserId> {
  return page(shards, cursor, limit, (shard, index) => {
    const id = shard.userIds[index];
    if (id === undefined) return undefined;
    return shard.user(id).state.status === 'registered' ? [id] : [];
  });
}

/** Trackers of all shards in the order in which they began, as they are at a height. */
export function pageOfTrackers(
  shards: readonly ShardState[],
  height: Height,
  cursor: string,
  limit: number,
): Page<ListedTracker> {
  return page(shards, cursor, limit, (shard, index) => {
    const id = shard.trackerIds[index];
    if (id === undefined) return undefined;
    const { state } = shard.tracker(id);
    return isLive(state) ? [listedTracker(id, state, height)] : [];
  });
}

/** Appointments of all shards, user by user. */
export function pageOfAppointments(
  shards: readonly ShardState[],
  cursor: string,
  limit: number,
): Page<ListedAppointment> {
  return page(shards, cursor, limit, (shard, index) => {
    const userId = shard.userIds[index];
    return userId === undefined ? undefined : appointmentsOf(shard, userId);
  });
}

/** Every live appointment under a locator, whoever's it is. */
export function pageByLocator(
  shards: readonly ShardState[],
  locator: Locator,
  cursor: string,
  limit: number,
): Page<ListedAppointment> {
  return page(shards, cursor, limit, (shard, index) => (index === 0 ? underLocator(shard, locator) : undefined));
}

const underLocator = (shard: ShardState, locator: Locator): ListedAppointment[] =>
  shard.watchlist.byLocator(locator).flatMap(({ appointmentId, userId }) => {
    const booking = shard.booking(userId, appointmentId);
    return booking ? [listedAppointment(shard, userId, appointmentId, booking)] : [];
  });

/** One user's appointments, in the order in which they came. */
export const pageOfUser = (shard: ShardState, userId: UserId, cursor: string, limit: number): Page<ListedAppointment> =>
  page([shard], cursor, limit, (_, index) => (index === 0 ? appointmentsOf(shard, userId) : undefined));

const appointmentsOf = (shard: ShardState, userId: UserId): ListedAppointment[] =>
  Array.from(bookingsOf(shard.user(userId).state), ([id, booking]) => listedAppointment(shard, userId, id, booking));

function listedAppointment(shard: ShardState, userId: UserId, id: AppointmentId, booking: Booking): ListedAppointment {
  const triggered = isLive(shard.tracker(id).state);
  return {
    appointment_id: id,
    locator: booking.locator,
    user_id: userId,
    status: booking.status === 'rejected' ? 'rejected' : triggered ? 'dispute_responded' : 'being_watched',
    slots: booking.slots,
    start_block: booking.startBlock,
    to_self_delay: booking.toSelfDelay,
    blob_bytes: booking.blob.size,
  };
}

const listedTracker = (id: AppointmentId, tracker: LiveTracker, height: Height): ListedTracker => ({
  appointment_id: id,
  user_id: tracker.userId,
  locator: tracker.locator,
  stage: tracker.stage,
  dispute_txid: tracker.disputeTxid,
  dispute_height: tracker.disputeBlock?.height ?? null,
  sighted_height: tracker.sightedAt,
  penalty_txid: 'penalty' in tracker ? (tracker.penalty?.txid ?? null) : null,
  penalty_height: 'block' in tracker ? tracker.block.height : null,
  refusal: 'refusal' in tracker ? (tracker.refusal?.verdict ?? null) : null,
  waits_for: waitingOf(tracker).for,
  since_height: waitingOf(tracker).since,
  stuck: isStuck(tracker, height),
});

/**
 * The page after a cursor: `<shard>.<index>`, or `<shard>.<index>.<n>` when n of the items there were on the page
 * before. `read` gives the items at an index of a shard, undefined past its end.
 */
function page<Item>(
  shards: readonly ShardState[],
  cursor: string,
  limit: number,
  read: (shard: ShardState, index: number) => readonly Item[] | undefined,
): Page<Item> {
  const first = parseCursor(cursor);
  const items: Item[] = [];
  for (let shard = first.shard; shard < shards.length; shard++) {
    const state = shards[shard];
    for (let index = shard === first.shard ? first.index : 0; state; index++) {
      if (items.length >= limit) return { items, next: `${shard}.${index}` };
      const found = read(state, index);
      if (!found) break;
      const shown = shard === first.shard && index === first.index ? first.shown : 0;
      const end = shown + limit - items.length;
      items.push(...found.slice(shown, end));
      if (end < found.length) return { items, next: `${shard}.${index}.${end}` };
    }
  }
  return { items, next: null };
}

function parseCursor(cursor: string) {
  const [shard = 0, index = 0, shown = 0] = cursor.split('.').map(Number);
  return { shard, index, shown };
}
