import type { Recorded, ShardCommit } from '../../events/commit.js';
import type { BlockHash, Height, Position, Shard } from '../../events/ids.js';
import { headHash, type TreeHead, type UnsignedHead } from '../../events/tree-head.js';

/** A block was evaluated, and the log says so at this position: the same for all nodes. */
export interface Scanned {
  readonly position: Position;
  readonly height: Height;
  readonly blockHash: BlockHash;
}

/** The block that a commit calls evaluated; undefined if it calls none so. */
export function scannedIn({ aggregate, events, position }: Recorded<ShardCommit>): Scanned | undefined {
  if (aggregate.kind !== 'scan') return undefined;
  const event = events.findLast((one) => one.type === 'BlockScanned');
  return event && { position, height: event.height, blockHash: event.hash };
}

/** Whether a head is to be signed there: unless the last one is of that size, or larger. */
export const isDue = (last: TreeHead | undefined, { position }: Scanned): boolean =>
  last === undefined || last.treeSize < position;

/** The head at a position, where the tree has this root. */
export function headAt(
  shard: Shard,
  last: TreeHead | undefined,
  { position, height, blockHash }: Scanned,
  root: string,
): UnsignedHead {
  const previous = last ? headHash(last) : null;
  return { v: 1, shard, treeSize: position, root, position, height, blockHash, previous };
}
