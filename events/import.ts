import { z } from 'zod';
import { BlockHash, Height } from './ids.js';

/**
 * What of a log came from another tower, whose key this one goes on with. Its users are registered with the terms that they had
 * there, and their appointments accepted with the receipts that they hold, before this tower has seen a block. Then one statement
 * says that it was all of them, and begins the chain: so nobody works with a part of it.
 */

/** The kind of store that was read: of the rust generation's tower, or of the python generation's. */
export const ImportSource = z.enum(['teos-sqlite', 'teos-leveldb']);
export type ImportSource = z.infer<typeof ImportSource>;

/** All that can be carried over of another tower is on the log. The first event of `CHAIN`, in one commit with the first block. */
export const TowerImported = z.strictObject({
  type: z.literal('TowerImported'),
  from: ImportSource,
  /** SHA-256, hex, of what was read: the same for the same users, appointments and trackers, wherever their files lay. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  users: z.number().int().min(0),
  appointments: z.number().int().min(0),
  /** How many of those appointments had a breach there that was being answered. */
  trackers: z.number().int().min(0),
  /** How many things could not be carried over; which, the operator was told. */
  left: z.number().int().min(0),
  /** The last block that the other tower had dealt with, where it said so; perhaps not on the best chain any more. */
  seen: z.strictObject({ height: Height, hash: BlockHash }).optional(),
  /** The height of the best chain by then: no subscription and no appointment that was brought begins later. */
  height: Height,
});
export type TowerImported = z.infer<typeof TowerImported>;
