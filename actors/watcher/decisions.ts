import type { BlockRef } from '../../events/chain.js';
import type { Decision } from '../../events/decider.js';
import type { BlockScanned, BlockUnread, ScanEvent } from '../../events/scan.js';
import type { BlockWindow, WindowBlock } from '../../projections/block-window.js';
import type { Scans } from '../../projections/scans.js';

/** While catching up, every how many blocks a scan is recorded; at the tip, every one is. */
const STRIDE = 100;

export interface RecordScan {
  readonly block: WindowBlock;
  /** The lowest of the blocks that were evaluated together with it; itself unless told. */
  readonly from?: number;
  readonly isTip: boolean;
  /** The best chain: of what lies below a block of it that was scanned nothing is recorded. */
  readonly chain: Pick<BlockWindow, 'holds'>;
}

/** A scan vouches for all blocks below it too, so that catching up needs not record each, nor any that are evaluated a second time. */
export function decideScanned(
  { block, from = block.height, isTip, chain }: RecordScan,
  scans: Scans,
): Decision<void, ScanEvent> {
  const isStride = Math.floor(block.height / STRIDE) > Math.floor((from - 1) / STRIDE);
  const isVouchedFor = () => (scans.highestOn(chain)?.height ?? 0) > block.height;
  const isDue = scans.isUnread(block) || (!scans.isScanned(block) && (isTip || (isStride && !isVouchedFor())));
  return { outcome: undefined, events: isDue ? [scanned(block)] : [] };
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
