import { fromHex, sha256 } from '../../events/bytes.js';
import type { BlockRef } from '../../events/chain.js';
import type { UserId } from '../../events/ids.js';
import type { ChainRecord } from './chain-record.js';
import type { Complain } from './findings.js';

/** How long a decision may be under way while others of the tower are made, in ms: what one says of another is at most so old. */
export const CROSSING_MS = 10 * 60_000;
/** How far the clocks of two nodes may be apart, in ms. */
const SKEW_MS = 10 * 60_000;

/** Where a commit stands, for the rules that judge it. */
export interface Place {
  readonly position: number;
  /** As the commit says it, by the clock of its node, in ms. (A log that was copied to another server has other times there.) */
  readonly time: number;
  readonly chain: ChainRecord;
  readonly complain: Complain;
}

/** A height that somebody names has been reached by then. */
export function checkHeight(height: number, { chain, time, complain }: Place): void {
  const first = chain.firstTime(height);
  if (first === undefined) complain('height', `the log tells of no block at height ${height}`);
  else if (first > time + SKEW_MS) complain('height', `height ${height} was reached later than that`);
}

/** Whether a height may have been reached by then. What lies below all that the log tells of has been. */
export function isReached(height: number, { chain, time }: Place): boolean {
  const first = chain.firstTime(height);
  return first === undefined ? height < chain.lowest : first <= time + SKEW_MS;
}

/** A block that somebody names is one of the log's chain. */
export function checkBlock(block: BlockRef, { chain, complain }: Place): boolean {
  const wrong = chain.wrongWith(block);
  if (wrong !== undefined) complain('block', wrong);
  return wrong === undefined;
}

/** The same, and that it left the best chain once. */
export function checkLeft(block: BlockRef, place: Place): void {
  if (checkBlock(block, place) && (place.chain.block(block.hash)?.disconnected ?? 0) === 0)
    place.complain('reorg', `block ${block.hash} never left the best chain`);
}

/** The shard that a user belongs to: the first four bytes of SHA-256 of its key, modulo their number. */
export const shardOf = (userId: UserId, shards: number): number =>
  shards === 1 ? 0 : Buffer.from(sha256(fromHex(userId))).readUInt32BE(0) % shards;
