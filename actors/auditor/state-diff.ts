import type { AppointmentId, Shard, UserId } from '../../events/ids.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { TrackerState } from '../../projections/tracker.js';
import { BookedList, changedEntries, readBooked } from './booked-list.js';
import type { HistorySource } from './history-source.js';
import {
  type AppointmentRow,
  type ShardRow,
  shardRows,
  type TipRow,
  type TrackerRow,
  tipRow,
  trackerRow,
  type UserRow,
  userRows,
} from './state-rows.js';
import type { TowerFold, Way } from './tower-fold.js';

/** How one thing differs between two states of a tower; null where it was not there. */
interface Change<Row extends { readonly kind: string }, What extends string> {
  readonly kind: Row['kind'];
  readonly change: What;
  readonly before: Row | null;
  readonly after: Row | null;
}

export type StateChange =
  | Change<TipRow, 'moved'>
  | Change<ShardRow, 'grew'>
  | Change<UserRow, 'registered' | 'changed'>
  | Change<AppointmentRow, 'accepted' | 'replaced' | 'rejected' | 'ended'>
  | Change<TrackerRow, 'begun' | 'changed'>;

/** What is kept of a folded tower to compare it with itself later: no more than the state is. `only`: of one user. */
export class StateBefore {
  readonly #tip: TipRow;
  readonly #shards: readonly ShardRow[];
  readonly #users: ReadonlyMap<UserId, UserRow>;
  readonly #trackers: ReadonlyMap<AppointmentId, TrackerState>;
  readonly #booked: readonly BookedList[];

  constructor(
    fold: TowerFold,
    private readonly only?: UserId,
  ) {
    this.#tip = tipRow(fold.chain);
    this.#shards = Array.from(shardRows(fold));
    this.#users = new Map(Array.from(userRows(fold, only), (row) => [row.user_id, row]));
    this.#trackers = new Map(fold.shards.flatMap((state) => trackersOf(state, only)));
    this.#booked = fold.shards.map((state) => new BookedList(state, only));
  }

  /** What is otherwise in the tower now. The appointments concerned are read from the log. */
  async *changesTo(now: TowerFold, source: HistorySource, way: Way): AsyncGenerator<StateChange> {
    if (this.only === undefined) yield* this.#ofTower(now);
    for (const after of userRows(now, this.only)) {
      const before = this.#users.get(after.user_id) ?? null;
      if (!isSame(before, after)) yield { kind: 'user', change: before ? 'changed' : 'registered', before, after };
    }
    for (const [shard, list] of this.#booked.entries())
      yield* this.#ofAppointments(list, shard as Shard, now, source, way);
    for (const [id, state] of now.shards.flatMap((shard) => trackersOf(shard, this.only))) {
      const before = this.#trackers.get(id);
      if (before === state) continue;
      const rows = { before: before ? trackerRow(id, before) : null, after: trackerRow(id, state) };
      yield { kind: 'tracker', change: before ? 'changed' : 'begun', ...rows };
    }
  }

  *#ofTower(now: TowerFold): Generator<StateChange> {
    const tip = tipRow(now.chain);
    if (!isSame(this.#tip, tip)) yield { kind: 'tip', change: 'moved', before: this.#tip, after: tip };
    for (const after of shardRows(now)) {
      const before = this.#shards[after.shard] ?? null;
      if (!isSame(before, after)) yield { kind: 'shard', change: 'grew', before, after };
    }
  }

  async *#ofAppointments(
    list: BookedList,
    shard: Shard,
    { shards }: TowerFold,
    source: HistorySource,
    way: Way,
  ): AsyncGenerator<StateChange> {
    const state = shards[shard];
    if (!state) return;
    const gone = new Map<AppointmentId, AppointmentRow>();
    const changes = changedEntries(list, new BookedList(state, this.only));
    for await (const [row, { before: was, after: is }] of readBooked(source, shard, changes, way)) {
      const before = was ? { ...row, status: was } : null;
      if (!is) gone.set(row.appointment_id, { ...row, status: was ?? 'live' });
      else if (before) yield { kind: 'appointment', change: 'rejected', before, after: { ...row, status: is } };
      else {
        // What it replaced is at an earlier position.
        const older = gone.get(row.appointment_id) ?? null;
        gone.delete(row.appointment_id);
        const after = { ...row, status: is };
        yield { kind: 'appointment', change: older ? 'replaced' : 'accepted', before: older, after };
      }
    }
    for (const before of gone.values()) yield { kind: 'appointment', change: 'ended', before, after: null };
  }
}

const trackersOf = (state: ShardState, only: UserId | undefined): [AppointmentId, TrackerState][] =>
  Array.from(state.trackers(), ([id, tracker]) => [id, tracker.state] as [AppointmentId, TrackerState]).filter(
    ([, tracker]) => only === undefined || (tracker.stage !== 'none' && tracker.userId === only),
  );

const isSame = (a: object | null, b: object): boolean => JSON.stringify(a) === JSON.stringify(b);
