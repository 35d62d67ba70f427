import type { BlockRef } from '../../events/chain.js';
import type { Height } from '../../events/ids.js';
import type { Refusal } from '../../projections/tracker.js';

/** The most blocks between two tries, a quarter of a day: short of every delay that a channel is likely to have. */
const LONGEST = 36;

/**
 * Whether a penalty is left alone at this tip. What bitcoind says about most refusals may change with any block, so they
 * are tried at each. What it has no known word for is tried 1, 2, 4 ... and then every 36 blocks after it was first said.
 */
export function isPaused(refusal: Refusal | null, lastTry: Height | undefined, tip: BlockRef): boolean {
  if (refusal?.verdict !== 'unknown' || lastTry === undefined || lastTry > tip.height) return false;
  return tip.height < nextTry(refusal.height, lastTry);
}

/** The first of the heights `first` + 1, + 1 + 2, + 1 + 2 + 4 ... that comes after the last try. */
function nextTry(first: Height, lastTry: Height): number {
  let next = first + 1;
  for (let step = 2; next <= lastTry; step = Math.min(2 * step, LONGEST)) next += step;
  return next;
}
