import type { AppointmentId, Position, UserId } from '../events/ids.js';
import type { SavedWatchlist } from './saved-watchlist.js';
import type { SavedScans } from './scans.js';
import type { User, Versioned } from './shard-state.js';
import type { TrackerState } from './tracker.js';

/** All that a shard's state is made of, each list in the order in which it is kept; `Bytes`: of a column. */
export interface SavedShard<Bytes> {
  readonly position: Position;
  readonly scanVersion: Position;
  readonly liveAppointments: number;
  readonly watchlist: SavedWatchlist<Bytes>;
  readonly users: Iterable<readonly [UserId, User]>;
  readonly trackers: Iterable<readonly [AppointmentId, Versioned<TrackerState>]>;
  readonly live: Iterable<AppointmentId>;
  readonly reopened: Iterable<AppointmentId>;
  readonly recentStarts: readonly (number | null)[];
  readonly scans: SavedScans;
}
