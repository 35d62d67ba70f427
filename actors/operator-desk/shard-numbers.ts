import type { Shard } from '../../events/ids.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { ShardState } from '../../projections/shard-state.js';
import { ranges } from './ranges.js';

/** One shard in `argus info`: how far its log and its scan are, and which heights below that nobody could read. */
export const shardNumbers = (shard: Shard, { position, scans }: ShardState, chain: BlockWindow) => ({
  shard,
  position,
  scanned_height: scans.highestOn(chain)?.height ?? null,
  unscanned_heights: ranges(scans.unreadOn(chain).map(({ height }) => height)),
});
