import type { Decision } from '../../events/decider.js';
import type { BlockScanned } from '../../events/scan.js';
import type { WindowBlock } from '../../projections/block-window.js';
import type { Scans } from '../../projections/scans.js';

/** While catching up, every how many blocks a scan is recorded; at the tip, every one is. */
const STRIDE = 100;

export interface RecordScan {
  readonly block: WindowBlock;
  readonly isTip: boolean;
}

/** A scan vouches for all blocks below it too, so that catching up needs not record each. */
export function decideScanned({ block, isTip }: RecordScan, scans: Scans): Decision<void, BlockScanned> {
  const { height, hash, position } = block;
  const isDue = isTip || height % STRIDE === 0;
  if (!isDue || scans.isScanned(block)) return { outcome: undefined, events: [] };
  return { outcome: undefined, events: [{ type: 'BlockScanned', height, hash, chainPosition: position }] };
}
