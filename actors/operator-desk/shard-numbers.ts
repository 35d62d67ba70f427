import type { Shard } from '../../events/ids.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { ShardState } from '../../projections/shard-state.js';
import { towerNumbers } from '../../projections/tower-info.js';
import { stuckTrackers, waitingTrackers } from '../../projections/waiting.js';
import { ranges } from '../ranges.js';

/** How far a shard's log is signed, by its newest tree head, and what is wrong with that. */
export interface Signed {
  readonly size: number | null;
  readonly height: number | null;
  readonly alarm: string | null;
}

/**
 * One shard in `argus info`: how far its log, its scan and its tree heads are, which heights below that nobody could read, and
 * what it holds.
 */
export function shardNumbers(shard: Shard, state: ShardState, chain: BlockWindow, signed: Signed | undefined) {
  const { users, watched, trackers } = towerNumbers([state]);
  return {
    shard,
    position: state.position,
    scanned_height: state.scans.highestOn(chain)?.height ?? null,
    unscanned_heights: ranges(state.scans.unreadOn(chain).map(({ height }) => height)),
    head_size: signed?.size ?? null,
    head_height: signed?.height ?? null,
    head_alarm: signed?.alarm ?? null,
    users,
    watched_appointments: watched,
    trackers,
    stuck_trackers: stuckTrackers([state], chain.tip?.height),
    waiting: Object.fromEntries(waitingTrackers(state, chain.tip?.height)),
  };
}
