import type { Shard } from '../../events/ids.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { ShardState } from '../../projections/shard-state.js';
import { towerNumbers } from '../../projections/tower-info.js';
import { stuckTrackers } from '../../projections/waiting.js';
import { ranges } from '../ranges.js';

/** One shard in `argus info`: how far its log and its scan are, which heights below that nobody could read, and what it holds. */
export function shardNumbers(shard: Shard, state: ShardState, chain: BlockWindow) {
  const { users, watched, trackers } = towerNumbers([state]);
  return {
    shard,
    position: state.position,
    scanned_height: state.scans.highestOn(chain)?.height ?? null,
    unscanned_heights: ranges(state.scans.unreadOn(chain).map(({ height }) => height)),
    users,
    watched_appointments: watched,
    trackers,
    stuck_trackers: stuckTrackers([state], chain.tip?.height),
  };
}
