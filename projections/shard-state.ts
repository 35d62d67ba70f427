import type { Recorded, ShardCommit, TrackerCommit, UserCommit } from '../events/commit.js';
import type { AppointmentId, Position, UserId } from '../events/ids.js';
import type { ScanEvent } from '../events/scan.js';
import { RecentStarts } from './recent-starts.js';
import { Scans } from './scans.js';
import { evolveTracker, isLive, type LiveTracker, noTracker, type TrackerState } from './tracker.js';
import { type Booking, bookingsOf, evolveUser, type UserState, unknownUser } from './user.js';
import { Watchlist } from './watchlist.js';

/** An aggregate's state and the position of its last commit, which an append must expect. */
export interface Versioned<State> {
  readonly state: State;
  readonly version: Position;
}

export interface Counts {
  /** Users with a subscription, expired or not, that is not outdated. */
  readonly users: number;
  /** Live appointments, those with a tracker included. */
  readonly appointments: number;
  /** Breaches being answered. */
  readonly trackers: number;
}

/** All that is known of one shard: the fold of its stream, and of nothing else. */
export class ShardState {
  readonly #users = new Map<UserId, Versioned<UserState>>();
  readonly #trackers = new Map<AppointmentId, Versioned<TrackerState>>();
  readonly #live = new Set<AppointmentId>();
  readonly #reopened = new Set<AppointmentId>();
  readonly #userIds: UserId[] = [];
  readonly #trackerIds: AppointmentId[] = [];
  #registered = 0;
  #appointments = 0;
  readonly watchlist = new Watchlist();
  readonly scans = new Scans();
  readonly recentStarts = new RecentStarts();
  scanVersion: Position = 0;
  /** The position of the last folded commit. */
  position: Position = 0;

  user(id: UserId): Versioned<UserState> {
    return this.#users.get(id) ?? { state: unknownUser(), version: 0 };
  }

  tracker(id: AppointmentId): Versioned<TrackerState> {
    return this.#trackers.get(id) ?? { state: noTracker(), version: 0 };
  }

  /** An appointment as its user's account has it; undefined if it ended or never was. */
  booking(userId: UserId, id: AppointmentId): Booking | undefined {
    return bookingsOf(this.user(userId).state).get(id);
  }

  users(): Iterable<[UserId, Versioned<UserState>]> {
    return this.#users.entries();
  }

  /** Every user that ever registered, in that order; for paging. */
  get userIds(): readonly UserId[] {
    return this.#userIds;
  }

  /** Every appointment that ever had a tracker, in that order; for paging. */
  get trackerIds(): readonly AppointmentId[] {
    return this.#trackerIds;
  }

  get counts(): Counts {
    return { users: this.#registered, appointments: this.#appointments, trackers: this.#live.size };
  }

  /** How many live appointments wait for a breach. A tracker's own may have ended before the tracker began. */
  get waiting(): number {
    let answered = 0;
    for (const [id, { userId }] of this.liveTrackers()) if (this.booking(userId, id)?.status === 'live') answered++;
    return this.#appointments - answered;
  }

  /** The breaches being answered. */
  *liveTrackers(): Generator<[AppointmentId, LiveTracker]> {
    for (const id of this.#live) {
      const { state } = this.tracker(id);
      if (isLive(state)) yield [id, state];
    }
  }

  /** The trackers that there is work with: breaches being answered, and those given up that a newer blob has come for. */
  unfinished(): readonly AppointmentId[] {
    return [...this.#live, ...this.#reopened];
  }

  trackers(): Iterable<[AppointmentId, Versioned<TrackerState>]> {
    return this.#trackers.entries();
  }

  apply(commit: Recorded<ShardCommit>): void {
    switch (commit.aggregate.kind) {
      case 'user':
        this.#applyUser(commit.aggregate.id, commit as Recorded<UserCommit>);
        break;
      case 'tracker':
        this.#applyTracker(commit.aggregate.id, commit as Recorded<TrackerCommit>);
        break;
      case 'scan':
        for (const event of commit.events) this.scans.apply(event as ScanEvent);
        if (commit.events.some(({ type }) => type === 'BlockScanned')) this.recentStarts.scanned();
        this.scanVersion = commit.position;
        break;
    }
    this.position = commit.position;
  }

  #applyUser(id: UserId, { events, position }: Recorded<UserCommit>): void {
    let { state } = this.user(id);
    for (const event of events) {
      const before = 'appointmentId' in event ? bookingsOf(state).get(event.appointmentId) : undefined;
      state = evolveUser(state, event);
      if (event.type === 'AppointmentAccepted') this.recentStarts.accepted(event.startBlock);
      if ('appointmentId' in event) this.#rewatch(id, event.appointmentId, before, bookingsOf(state));
    }
    const before = this.user(id);
    for (const event of events)
      if (event.type === 'SubscriptionOutdated') this.#unwatch(bookingsOf(before.state), bookingsOf(state));
    if (before.version === 0) this.#userIds.push(id);
    this.#registered += Number(state.status === 'registered') - Number(before.state.status === 'registered');
    this.#users.set(id, { state, version: position });
    for (const event of events) if ('appointmentId' in event) this.#reopen(event.appointmentId);
  }

  #reopen(id: AppointmentId): void {
    const { state } = this.tracker(id);
    const isRefused = state.stage === 'blob-refused' || state.stage === 'penalty-refused';
    const booking = isRefused ? this.booking(state.userId, id) : undefined;
    if (isRefused && booking?.status === 'live' && booking.blob.position !== state.blob) this.#reopened.add(id);
    else this.#reopened.delete(id);
  }

  /** Also what was rejected is watched: a newer version of it has to know in which block its dispute is. */
  #rewatch(userId: UserId, id: AppointmentId, before: Booking | undefined, bookings: Map<AppointmentId, Booking>) {
    if (before) this.watchlist.remove(before.scheme, before.locator, id);
    const now = bookings.get(id);
    if (now) this.watchlist.add(now.scheme, now.locator, { appointmentId: id, userId });
    this.#appointments += Number(now?.status === 'live') - Number(before?.status === 'live');
  }

  /** What was rejected is forgotten with the subscription. */
  #unwatch(before: ReadonlyMap<AppointmentId, Booking>, now: ReadonlyMap<AppointmentId, Booking>): void {
    for (const [id, { scheme, locator }] of before) if (!now.has(id)) this.watchlist.remove(scheme, locator, id);
  }

  #applyTracker(id: AppointmentId, { events, position }: Recorded<TrackerCommit>): void {
    const before = this.tracker(id);
    const state = events.reduce(evolveTracker, before.state);
    if (before.version === 0) this.#trackerIds.push(id);
    this.#trackers.set(id, { state, version: position });
    if (isLive(state)) this.#live.add(id);
    else this.#live.delete(id);
    this.#reopen(id);
  }

  /** What two nodes with the same log agree on to the byte. */
  toJSON(): unknown {
    return {
      position: this.position,
      users: Array.from(this.#users, ([id, { state, version }]) => ({
        id,
        version,
        ...state,
        appointments: Array.from(bookingsOf(state)),
      })),
      trackers: Array.from(this.#trackers, ([id, { state, version }]) => ({ id, version, ...state })),
      live: Array.from(this.#live).sort(),
      reopened: Array.from(this.#reopened).sort(),
      watched: this.#appointments,
      watchlist: this.watchlist,
      recentStarts: this.recentStarts,
      scans: this.scans,
      scanVersion: this.scanVersion,
    };
  }
}
