import type { BlockConnected, BlockDisconnected, ChainEvent } from '../../events/chain.js';
import type { BlockHash } from '../../events/ids.js';
import type { BlockWindow, WindowBlock } from '../../projections/block-window.js';

/** The way from the log's best chain to a node's own: pure, given the headers in between. */

/** What is needed of a block's header to place it. */
export interface Header {
  readonly hash: BlockHash;
  readonly prevHash: BlockHash;
  readonly height: number;
  readonly chainwork: string;
}

/** The path between two tips, as data: what to take back, highest first, and what to connect, lowest first. */
export interface ChainPath {
  readonly disconnect: readonly BlockDisconnected[];
  readonly connect: readonly Header[];
}

/** Whether a chain has more work than the log's: only then does the log's tip move, so that nodes with different views do not fight. */
export const hasMoreWork = (header: Header, tip: WindowBlock | undefined): boolean =>
  !tip || BigInt(`0x${header.chainwork}`) > BigInt(`0x${tip.chainwork}`);

/**
 * The path from the log's tip to `branch`, whose headers run from a tip down to the first whose parent is on the log's
 * best chain (or that has no common ancestor with it at all: then everything the tower ever saw is taken back).
 */
export function pathTo(branch: readonly Header[], window: BlockWindow): ChainPath {
  const lowest = branch.at(-1);
  const forkHeight = lowest ? lowest.height - 1 : Number.POSITIVE_INFINITY;
  const disconnect = window
    .from(forkHeight + 1)
    .map(({ height, hash }): BlockDisconnected => ({ type: 'BlockDisconnected', height, hash }))
    .reverse();
  return { disconnect, connect: branch.toReversed() };
}

/** Whether a block can be connected where it would stand: on a block of the log's best chain, or at its very beginning. */
export const isOnTopOf = ({ height, prevHash }: Header, window: BlockWindow): boolean =>
  height <= (window.root?.height ?? 0) || window.isBest({ height: height - 1, hash: prevHash });

/** How many events one commit holds at the most, unless a reorg needs more to be one step. */
export const EVENTS_A_COMMIT = 200;

/** How many bytes its events may take: NATS takes messages of 1 MiB, their headers included. */
const BYTES_A_COMMIT = 1_000_000;

/**
 * The commits of a path. A reorg's disconnects and as many connects as it takes to outweigh the old tip are one commit,
 * so that nobody who folds the log ever sees a tip with less work than before. Only a reorg of more than some 2,200 blocks,
 * which no message can hold, is several.
 */
export function commitsOf(
  disconnect: readonly BlockDisconnected[],
  connect: readonly BlockConnected[],
  tip: WindowBlock | undefined,
): ChainEvent[][] {
  const outweighing = tip ? connect.findIndex((block) => hasMoreWork(block, tip)) : 0;
  const atLeast = disconnect.length > 0 ? outweighing + 1 : 0;
  const first = Math.max(atLeast, EVENTS_A_COMMIT - disconnect.length);
  const commits = bounded([...disconnect, ...connect.slice(0, first)]);
  for (let at = first; at < connect.length; at += EVENTS_A_COMMIT)
    commits.push(connect.slice(at, at + EVENTS_A_COMMIT));
  return commits.filter((events) => events.length > 0);
}

/** Events in as few commits as hold them. */
function bounded(events: readonly ChainEvent[]): ChainEvent[][] {
  const commits: ChainEvent[][] = [[]];
  let bytes = 0;
  for (const event of events) {
    const size = JSON.stringify(event).length + VERSION_BYTES;
    if (bytes + size > BYTES_A_COMMIT) {
      commits.push([]);
      bytes = 0;
    }
    commits.at(-1)?.push(event);
    bytes += size;
  }
  return commits;
}

/** What an event's version, and the comma after it, take on the log. */
const VERSION_BYTES = 10;
