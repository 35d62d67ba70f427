import { z } from 'zod';
import { BlockHash, Height } from './ids.js';

/** How far a shard's blocks were evaluated: one aggregate a shard, written by whichever node was first. */

/**
 * Every breach that this block, and every block below it on its chain, holds for this shard is on the log before this
 * event: but for blocks below that are said to be unread, and were not themselves scanned since. A node that starts goes
 * on after the last of these that is on the best chain, and was not taken back since it was scanned.
 */
export const BlockScanned = z.strictObject({
  type: z.literal('BlockScanned'),
  height: Height,
  hash: BlockHash,
  /** The position in `CHAIN` of the commit that connected the block. */
  chainPosition: z.number().int().min(1),
});
export type BlockScanned = z.infer<typeof BlockScanned>;

/**
 * Nobody who was asked has this block: bitcoind pruned it before it was read. The scan goes on without it, and it stays a
 * gap until a `BlockScanned` names the very block.
 */
export const BlockUnread = z.strictObject({
  type: z.literal('BlockUnread'),
  height: Height,
  hash: BlockHash,
});
export type BlockUnread = z.infer<typeof BlockUnread>;

export type ScanEvent = BlockScanned | BlockUnread;
