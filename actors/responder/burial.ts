import type { BlockRef } from '../../events/chain.js';

/** Blocks until what a block holds is irrevocable, that block included. */
export const IRREVOCABLE = 100;

export const isBuried = (block: BlockRef, tip: BlockRef): boolean => tip.height - block.height + 1 >= IRREVOCABLE;
