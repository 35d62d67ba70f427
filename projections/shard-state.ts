import { randomBytes } from 'node:crypto';
import type { Acceptance } from '../events/acceptance.js';
import type { Recorded, ShardCommit, TrackerCommit, UserCommit } from '../events/commit.js';
import type { AppointmentId, Position, UserId } from '../events/ids.js';
import type { ScanEvent } from '../events/scan.js';
import type { UserEvent } from '../events/user.js';
import { RecentStarts } from './recent-starts.js';
import type { SavedShard } from './saved-shard.js';
import { Scans } from './scans.js';
import { emptyShelf, type Shelf } from './shelf.js';
import { evolveTracker, isLive, isOnlySighted, type LiveTracker, noTracker, type TrackerState } from './tracker.js';
import { type Account, evolveAccount, rememberedAs, unknownUser } from './user.js';
import { type AppointmentKey, type Booked, Watchlist } from './watchlist.js';

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

/** A user's account, and where its appointments are. Who asks for it gets a copy, since it is changed in place. */
export interface User {
  state: Account;
  version: Position;
  readonly shelf: Shelf;
}

/**
 * All that is known of one shard: the fold of its stream, and of nothing else.
 *
 * Of an appointment it knows where it is on the log; the rest is read there when it is needed.
 */
export class ShardState {
  readonly #users: Map<UserId, User>;
  readonly #trackers: Map<AppointmentId, Versioned<TrackerState>>;
  readonly #live: Set<AppointmentId>;
  readonly #reopened: Set<AppointmentId>;
  readonly #userIds: UserId[] = [];
  readonly #trackerIds: AppointmentId[] = [];
  readonly #watchlist: Watchlist;
  #registered = 0;
  #liveAppointments = 0;
  readonly scans: Scans;
  readonly recentStarts: RecentStarts;
  scanVersion: Position;
  /** The position of the last folded commit. */
  position: Position;

  /**
   * `key`: 16 bytes that no user may know; nothing that is asked depends on it. `saved`: what `save` gave of another one,
   * whose key counts.
   */
  constructor(key: Uint8Array = randomBytes(16), saved?: SavedShard<Uint8Array>) {
    this.#watchlist = saved ? new Watchlist(saved.watchlist.key, saved.watchlist) : new Watchlist(key);
    this.#users = new Map(saved?.users);
    this.#trackers = new Map(saved?.trackers);
    this.#live = new Set(saved?.live);
    this.#reopened = new Set(saved?.reopened);
    for (const [id, { state }] of this.#users) {
      this.#userIds.push(id);
      this.#registered += Number(state.status === 'registered');
    }
    for (const id of this.#trackers.keys()) this.#trackerIds.push(id);
    this.#liveAppointments = saved?.liveAppointments ?? 0;
    this.scans = new Scans(saved?.scans);
    this.recentStarts = new RecentStarts(saved?.recentStarts);
    this.scanVersion = saved?.scanVersion ?? 0;
    this.position = saved?.position ?? 0;
  }

  /** All that it is made of. What it gives are views: to be used up before anything else is folded. */
  save(): SavedShard<Iterable<Uint8Array>> {
    return {
      position: this.position,
      scanVersion: this.scanVersion,
      liveAppointments: this.#liveAppointments,
      watchlist: this.#watchlist.save(),
      users: this.#users,
      trackers: this.#trackers,
      live: this.#live,
      reopened: this.#reopened,
      recentStarts: this.recentStarts.toJSON(),
      scans: this.scans.toJSON(),
    };
  }

  user(id: UserId): Versioned<Account> {
    const user = this.#users.get(id);
    return user ? { state: user.state, version: user.version } : { state: unknownUser(), version: 0 };
  }

  tracker(id: AppointmentId): Versioned<TrackerState> {
    return this.#trackers.get(id) ?? { state: noTracker(), version: 0 };
  }

  /** What every transaction is looked up in. */
  get watchlist(): Pick<Watchlist, 'size' | 'lookUp' | 'lookUpAll' | 'byLocator'> {
    return this.#watchlist;
  }

  /** Where an appointment is, or that its user had it deleted; undefined if it ended otherwise or never was. */
  remembered(key: AppointmentKey): Booked | undefined {
    return this.#watchlist.get(key);
  }

  /** Where an appointment is; undefined if it ended or never was. */
  booked(key: AppointmentKey): Booked | undefined {
    const booked = this.#watchlist.get(key);
    return booked?.status === 'deleted' ? undefined : booked;
  }

  /** Where a user's appointments are, in the order in which they came. */
  *bookedBy(id: UserId): Generator<Booked> {
    const { shelf = emptyShelf() } = this.#users.get(id) ?? {};
    for (const booked of this.#watchlist.on(shelf)) if (booked.status !== 'deleted') yield booked;
  }

  *users(): Generator<[UserId, Versioned<Account>]> {
    for (const [id, { state, version }] of this.#users) yield [id, { state, version }];
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
    return { users: this.#registered, appointments: this.#liveAppointments, trackers: this.#live.size };
  }

  /** How many live appointments wait for a breach. A tracker's own may have ended before the tracker began. */
  get waiting(): number {
    let answered = 0;
    for (const [appointmentId, { locator }] of this.liveTrackers())
      if (this.booked({ appointmentId, locator })?.status === 'live') answered++;
    return this.#liveAppointments - answered;
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

  /** Does as `apply` does with the whole of it. */
  accept(acceptance: Acceptance, position: Position): void {
    const user = this.#users.get(acceptance.userId);
    if (user?.state.status === 'registered') {
      this.recentStarts.accepted(acceptance.startBlock);
      this.#booked(this.#watchlist.take(user.shelf, acceptance.key, position, acceptance.blob, acceptance.scheme));
      user.state = evolveAccount(user.state, acceptance);
      user.version = position;
      if (this.#trackers.size > 0) this.#reopen(acceptance.appointmentId());
      this.position = position;
    } else this.apply({ ...acceptance.commit(), position });
  }

  #applyUser(id: UserId, { events, position }: Recorded<UserCommit>): void {
    const user = this.#users.get(id) ?? this.#newUser(id);
    const before = user.state;
    for (const event of events) {
      this.#shelve(user.shelf, user.state, event, position);
      user.state = evolveAccount(user.state, event);
    }
    user.version = position;
    this.#registered += Number(user.state.status === 'registered') - Number(before.status === 'registered');
    for (const event of events) if ('appointmentId' in event) this.#reopen(event.appointmentId);
  }

  #newUser(id: UserId): User {
    const user = { state: unknownUser(), version: 0, shelf: emptyShelf() };
    this.#users.set(id, user);
    this.#userIds.push(id);
    return user;
  }

  /** Also what was rejected is watched: a newer version of it has to know in which block its dispute is. */
  #shelve(shelf: Shelf, { status }: Account, event: UserEvent, position: Position): void {
    switch (event.type) {
      case 'AppointmentAccepted':
        this.recentStarts.accepted(event.startBlock);
        if (status !== 'registered') return;
        this.#booked(this.#watchlist.accept(shelf, event, position, event.blob.position));
        return;
      case 'AppointmentEnded': {
        const { appointmentId: id, deletion } = event;
        const { state: tracker } = this.tracker(id);
        const { locator } = deletion ?? (tracker.stage === 'none' ? {} : tracker);
        const as = rememberedAs(event, status);
        const how = as === 'deleted' ? { deletedAt: position } : (as ?? 'ended');
        this.#liveAppointments -= countOf(this.#watchlist.end(shelf, id, locator, how));
        return;
      }
      case 'SubscriptionOutdated':
        this.#watchlist.forgetEnded(shelf);
    }
  }

  /** An appointment is live; `before` is what there was of it. */
  #booked(before: Booked | undefined): void {
    this.#liveAppointments += 1 - countOf(before);
  }

  /** What was never mined is forgotten once its appointment is deleted: should that come again, it is compared like any other. */
  #reopen(id: AppointmentId): void {
    const { state, version } = this.tracker(id);
    const isRefused = state.stage === 'blob-refused' || state.stage === 'penalty-refused';
    const key = isRefused && { appointmentId: id, locator: state.locator };
    const booked = key ? this.booked(key) : undefined;
    if (isRefused && booked?.status === 'live' && booked.blob !== state.blob) this.#reopened.add(id);
    else this.#reopened.delete(id);
    if (key && isOnlySighted(state) && this.remembered(key)?.status === 'deleted')
      this.#trackers.set(id, { state: noTracker(), version });
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
      users: Array.from(this.#users, ([id, { state, version, shelf }]) => ({
        id,
        version,
        ...state,
        appointments: Array.from(this.#watchlist.on(shelf)),
      })),
      trackers: Array.from(this.#trackers, ([id, { state, version }]) => ({ id, version, ...state })),
      live: Array.from(this.#live).sort(),
      reopened: Array.from(this.#reopened).sort(),
      watched: this.#liveAppointments,
      watchlist: this.#watchlist.size,
      recentStarts: this.recentStarts,
      scans: this.scans,
      scanVersion: this.scanVersion,
    };
  }
}

const countOf = (booked: Booked | undefined): number => Number(booked?.status === 'live');
