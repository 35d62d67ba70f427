import { z } from 'zod';
import type { IdentityRotated } from './identity.js';
import { BlockHash, Height } from './ids.js';
import type { TowerImported } from './import.js';

/** What happens to the best chain as the tower knows it: one aggregate, `chain`, decided by the ChainMonitor. */

/** A block became the tip of the best chain. Its txids were published before this event was. */
export const BlockConnected = z.strictObject({
  type: z.literal('BlockConnected'),
  height: Height,
  hash: BlockHash,
  prevHash: BlockHash,
  /** The header's own time: seconds since 1970. */
  time: z.number().int().min(0),
  /** All work from the genesis block to this one: 32 bytes, big-endian hex, as bitcoind gives it. */
  chainwork: z.string().regex(/^[0-9a-f]{64}$/),
  txCount: z.number().int().min(1),
});
export type BlockConnected = z.infer<typeof BlockConnected>;

/** The tip of the best chain was taken back, because another branch has more work. */
export const BlockDisconnected = z.strictObject({
  type: z.literal('BlockDisconnected'),
  height: Height,
  hash: BlockHash,
});
export type BlockDisconnected = z.infer<typeof BlockDisconnected>;

/** What `CHAIN` tells, which all shards follow: the blocks, who the tower is, and what it goes on with. */
export type ChainEvent = BlockConnected | BlockDisconnected | IdentityRotated | TowerImported;

/** A block by its place: enough to ask later whether it is still on the best chain. */
export const BlockRef = z.strictObject({ height: Height, hash: BlockHash });
export type BlockRef = z.infer<typeof BlockRef>;
