import type { Acceptance } from '../../events/acceptance.js';
import type { Recorded, ShardCommit } from '../../events/commit.js';
import type { AppointmentId, BlockHash, Position, UserId } from '../../events/ids.js';
import type { ScanEvent } from '../../events/scan.js';
import type { UserEvent } from '../../events/user.js';
import { type Account, rememberedAs } from '../user.js';

/**
 * Which commits of a shard still matter at a position: folded alone, they give the very state that all up to there give.
 *
 * Those are, of commits that are kept whole, as they are:
 *
 *     users       the first of each, and the last; each that did more than accept or end appointments; all since its slots
 *                 were said last, so that what was refunded since is added to it
 *     bookings    of each appointment that is there, live or remembered: the commit that put it into its user's list, that of
 *                 its newest version, and what ended it if it is remembered
 *     trackers    all, and from a tracker's beginning on all that is said of its appointment
 *     scans       those of the last 4,032 heights, and all of blocks that were ever unread
 *     the newest  everything since the 17th scan from the end
 *
 * Whoever drops the others folds both and compares (`stateDigest`): that this list is right is not to be believed. What it says
 * of a log is what version 1 of a `TrimRecord` means, for ever: an auditor says it again.
 */
export class TrimSelection {
  readonly #sure: Position[] = [];
  readonly #users = new Map<UserId, Trail>();
  /** What of an appointment matters: the commit that put it into the list, its newest version's, what ended it. */
  readonly #bookings = new Map<AppointmentId, Position[]>();
  /** Appointments of which all that is said from now on matters. */
  readonly #whole = new Set<AppointmentId>();
  readonly #scans: ScanPlace[] = [];
  readonly #unread = new Set<BlockHash>();
  #position: Position = 0;

  apply(commit: Recorded<ShardCommit>): void {
    const { aggregate, position } = commit;
    this.#position = position;
    switch (aggregate.kind) {
      case 'user':
        this.#applyUser(aggregate.id, commit.events as readonly UserEvent[], position);
        break;
      case 'tracker':
        this.#keepWhole(aggregate.id);
        this.#sure.push(position);
        break;
      case 'scan':
        this.#applyScan(commit.events as readonly ScanEvent[], position);
        break;
    }
  }

  /** Does as `apply` does with the whole of it. */
  accept(acceptance: Acceptance, position: Position): void {
    this.#position = position;
    const trail = this.#trailOf(acceptance.userId, position);
    const id = acceptance.appointmentId();
    if (trail.status === 'registered') {
      trail.since = [position];
      this.#accepted(trail, id, position);
    } else trail.since.push(position);
    if (this.#whole.has(id)) this.#sure.push(position);
  }

  /** The positions that matter, ascending; the last one read is always among them. */
  kept(): Float64Array {
    const newest = this.#scans.filter(({ isScanned }) => isScanned).at(-SCANS_BACK)?.position ?? 1;
    const kept = this.#sure.slice();
    for (const { since } of this.#users.values()) for (const position of since) kept.push(position);
    for (const positions of this.#bookings.values()) for (const position of positions) kept.push(position);
    for (const position of this.#keptScans()) kept.push(position);
    for (let position = newest; position <= this.#position; position++) kept.push(position);
    const sorted = Float64Array.from(kept).sort();
    return sorted.filter((position, i) => position !== sorted[i - 1]);
  }

  #applyUser(id: UserId, events: readonly UserEvent[], position: Position): void {
    const trail = this.#trailOf(id, position);
    const about = events.flatMap((event) => ('appointmentId' in event ? event.appointmentId : []));
    // What is kept for the sake of another event must not bring back what ended since.
    if (events.length > 1 && events.some(({ type }) => type === 'AppointmentAccepted'))
      for (const one of about) this.#keepWhole(one);
    let saysSlots = false;
    for (const event of events) saysSlots = this.#applyUserEvent(trail, event, position) || saysSlots;
    if (saysSlots) trail.since = [];
    trail.since.push(position);
    const isOther = events.some(({ type }) => type !== 'AppointmentAccepted' && type !== 'AppointmentEnded');
    if (isOther || about.some((one) => this.#whole.has(one))) this.#sure.push(position);
  }

  /** Gives whether what it says of slots makes all that was said before no matter. */
  #applyUserEvent(trail: Trail, event: UserEvent, position: Position): boolean {
    switch (event.type) {
      case 'UserRegistered':
      case 'SubscriptionRenewed':
        trail.status = 'registered';
        return true;
      case 'AppointmentAccepted':
        if (trail.status !== 'registered') return false;
        this.#accepted(trail, event.appointmentId, position);
        return true;
      case 'AppointmentEnded': {
        const { appointmentId: id } = event;
        const booking = this.#bookings.get(id);
        if (!booking) return false;
        if (rememberedAs(event, trail.status) === undefined) this.#forget(trail, id);
        else {
          booking.push(position);
          trail.remembered.add(id);
        }
        return false;
      }
      case 'SubscriptionOutdated':
        trail.status = 'outdated';
        for (const id of trail.remembered) this.#forget(trail, id);
        return true;
      case 'BlobsSwept':
        return false;
    }
  }

  #accepted(trail: Trail, id: AppointmentId, position: Position): void {
    const [first] = this.#bookings.get(id) ?? [];
    this.#bookings.set(id, first === undefined ? [position] : [first, position]);
    trail.remembered.delete(id);
  }

  #forget(trail: Trail, id: AppointmentId): void {
    this.#bookings.delete(id);
    trail.remembered.delete(id);
  }

  #trailOf(id: UserId, position: Position): Trail {
    const known = this.#users.get(id);
    if (known) return known;
    const trail: Trail = { status: 'unknown', since: [], remembered: new Set() };
    this.#users.set(id, trail);
    this.#sure.push(position);
    return trail;
  }

  #keepWhole(id: AppointmentId): void {
    if (this.#whole.has(id)) return;
    this.#whole.add(id);
    this.#sure.push(...(this.#bookings.get(id) ?? []));
  }

  #applyScan(events: readonly ScanEvent[], position: Position): void {
    const scanned = events.filter(({ type }) => type === 'BlockScanned');
    for (const { type, hash } of events) if (type === 'BlockUnread') this.#unread.add(hash);
    this.#scans.push({ position, isScanned: scanned.length > 0, events });
  }

  *#keptScans(): Generator<Position> {
    const heights = new Set<number>();
    for (const { position, events, isScanned } of this.#scans.toReversed()) {
      const isRemembered = heights.size < HEIGHTS;
      for (const { type, height } of events) if (type === 'BlockScanned') heights.add(height);
      if ((isScanned && isRemembered) || events.some(({ hash }) => this.#unread.has(hash))) yield position;
    }
    const last = this.#scans.at(-1);
    if (last) yield last.position;
  }
}

/** As many as `Scans` remembers, and one more than `RecentStarts` goes back. Should those change, a record gets a new version. */
const HEIGHTS = 4032;
const SCANS_BACK = 17;

/** What is followed of a user. */
interface Trail {
  status: Account['status'];
  /** The commits since its slots were last said, that one included. */
  since: Position[];
  /** Appointments that ended and are not forgotten. */
  readonly remembered: Set<AppointmentId>;
}

interface ScanPlace {
  readonly position: Position;
  readonly isScanned: boolean;
  readonly events: readonly Pick<ScanEvent, 'type' | 'hash' | 'height'>[];
}
