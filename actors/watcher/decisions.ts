import type { BlockRef } from '../../events/chain.js';
import type { Decision } from '../../events/decider.js';
import type { BlockScanned, BlockUnread, ScanEvent } from '../../events/scan.js';
import type { WindowBlock } from '../../projections/block-window.js';
import type { Scans } from '../../projections/scans.js';

/** While catching up, every how many blocks a scan is recorded; at the tip, every one is. */
const STRIDE = 100;

export interface RecordScan {
  readonly block: WindowBlock;
  /** The lowest of the blocks that were evaluated together with it; itself unless told. */
  readonly from?: number;
  readonly isTip: boolean;
}

/** A scan vouches for all blocks below it too, so that catching up needs not record each. */
export function decideScanned(
  { block, from = block.height, isTip }: RecordScan,
  scans: Scans,
): Decision<void, ScanEvent> {
  const isDue = isTip || Math.floor(block.height / STRIDE) > Math.floor((from - 1) / STRIDE) || scans.isUnread(block);
  const isNews = scans.isUnread(block) || !scans.isScanned(block);
  return { outcome: undefined, events: isDue && isNews ? [scanned(block)] : [] };
}

const scanned = ({ height, hash, position }: WindowBlock): BlockScanned => ({
  type: 'BlockScanned',
  height,
  hash,
  chainPosition: position,
});

/** Blocks that nobody has become gaps, before any block above them may be called scanned. */
export const decideUnread = (blocks: readonly BlockRef[], scans: Scans): Decision<void, ScanEvent> => ({
  outcome: undefined,
  events: blocks
    .filter((block) => !scans.isUnread(block))
    .map(({ height, hash }): BlockUnread => ({ type: 'BlockUnread', height, hash })),
});
