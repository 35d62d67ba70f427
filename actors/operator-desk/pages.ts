import type { AppointmentId, Height, Locator, UserId } from '../../events/ids.js';
import type { ShardState } from '../../projections/shard-state.js';
import { isLive, type LiveTracker } from '../../projections/tracker.js';
import { isStuck, type Waiting, waitingOf } from '../../projections/waiting.js';
import type { Booked } from '../../projections/watchlist.js';
import type { Found } from '../bookings.js';

/**
 * Long lists of one shard, a page at a time: there may be millions of appointments. Pure reads of the folded state, which
 * knows where each appointment of a page is to be read.
 */

/** A page of one shard's items, and where the next one begins; null after the last. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: Place | null;
}

/** A place in a shard's list: an index, and how many of the items there were on the page before. */
export interface Place {
  readonly index: number;
  readonly shown: number;
}

/** Where a page begins, and how many items it has at the most. */
export interface Span {
  readonly from: Place;
  readonly limit: number;
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

/** Users in the order of their registration. */
export function pageOfUsers(shard: ShardState, span: Span): Page<UserId> {
  return page(span, (index) => {
    const id = shard.userIds[index];
    if (id === undefined) return undefined;
    return shard.user(id).state.status === 'registered' ? [id] : [];
  });
}

/** Trackers in the order in which they began, as they are at a height. */
export function pageOfTrackers(shard: ShardState, span: Span, height: Height): Page<ListedTracker> {
  return page(span, (index) => {
    const id = shard.trackerIds[index];
    if (id === undefined) return undefined;
    const { state } = shard.tracker(id);
    return isLive(state) ? [listedTracker(id, state, height)] : [];
  });
}

/** Appointments, user by user. */
export function pageOfAppointments(shard: ShardState, span: Span): Page<Booked> {
  return page(span, (index) => {
    const userId = shard.userIds[index];
    return userId === undefined ? undefined : Array.from(shard.bookedBy(userId));
  });
}

/** Every appointment that may be under a locator, whoever's it is: who reads them sees which are. */
export const pageByLocator = (shard: ShardState, span: Span, locator: Locator): Page<Booked> =>
  page(span, (index) => (index === 0 ? shard.watchlist.byLocator(locator) : undefined));

/** One user's appointments, in the order in which they came. */
export const pageOfUser = (shard: ShardState, span: Span, userId: UserId): Page<Booked> =>
  page(span, (index) => (index === 0 ? Array.from(shard.bookedBy(userId)) : undefined));

/** An appointment of a shard, once it is read. */
export function listedAppointment(shard: ShardState, booking: Found): ListedAppointment {
  const { appointmentId: id } = booking;
  const triggered = isLive(shard.tracker(id).state);
  return {
    appointment_id: id,
    locator: booking.locator,
    user_id: booking.userId,
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

/** The page that begins at a place. `read` gives the items at an index, undefined past the last. */
function page<Item>({ from, limit }: Span, read: (index: number) => readonly Item[] | undefined): Page<Item> {
  const items: Item[] = [];
  for (let { index, shown } = from; ; index++, shown = 0) {
    if (items.length >= limit) return { items, next: { index, shown: 0 } };
    const found = read(index);
    if (!found) return { items, next: null };
    const end = shown + limit - items.length;
    items.push(...found.slice(shown, end));
    if (end < found.length) return { items, next: { index, shown: end } };
  }
}
