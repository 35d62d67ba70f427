import type { BlockHash } from '../../events/ids.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { Block, BlockSource } from './block-source.js';

type Source = Pick<BlockSource, 'hashesAt' | 'blocks'>;

/** bitcoind's best chain where the log's does not know it: where it begins, and its blocks, read ahead. */

/** What one request asks for, in blocks; and how many requests are under way while the blocks before are worked on. */
const BATCH = 10;
const AHEAD = 6;

/** How far below the log's tip the fork is looked for at first, in one request: nearly always it is the tip itself. */
const NEAR = 16;

/**
 * The height of the first block of bitcoind's best chain that is not on the log's; the root's, if they have none in common.
 *
 * Asks for a hash some hundred times at the most, however long the chains are.
 */
export async function firstNewHeight(blocks: Source, window: BlockWindow, best: number): Promise<number> {
  const root = window.root?.height ?? 0;
  const top = Math.min(window.tip?.height ?? root, best);
  const isCommon = async (heights: readonly number[]) => {
    const hashes = await blocks.hashesAt(heights);
    return heights.map((height, i) => window.at(height)?.hash === hashes[i]);
  };
  // The highest of these is common, or the fork is below all of them.
  const near = Array.from({ length: NEAR }, (_, i) => top - i).filter((height) => height >= root);
  const at = (await isCommon(near)).indexOf(true);
  if (at >= 0) return top - at + 1;
  let [low, high] = [root, top - near.length + 1]; // what is below `low` is common, `high` is not
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [common] = await isCommon([middle]);
    if (common) low = middle + 1;
    else high = middle;
  }
  return Math.min(low, best);
}

/**
 * The blocks of bitcoind's best chain from one height to another, some at a time, lowest first.
 *
 * Each is given to `use` as soon as it is read, many at once. Ends early where bitcoind's chain changed meanwhile: what it
 * gives always hangs together.
 */
export async function* readAhead(
  blocks: Source,
  from: number,
  to: number,
  use: (block: Block) => Promise<void>,
): AsyncGenerator<Block[]> {
  const read = async (first: number): Promise<Block[]> => {
    const heights = Array.from({ length: Math.min(BATCH, to - first + 1) }, (_, i) => first + i);
    const batch = await blocks.blocks(await blocks.hashesAt(heights));
    await Promise.all(batch.map(use));
    return batch;
  };
  const underWay: Promise<Block[]>[] = [];
  let before: BlockHash | undefined;
  for (let next = from; next <= to || underWay.length > 0; ) {
    for (; next <= to && underWay.length < AHEAD; next += BATCH) {
      const reading = read(next);
      reading.catch(() => undefined); // it is waited for in its turn, unless one before it fails
      underWay.push(reading);
    }
    const batch = (await underWay.shift()) ?? [];
    for (const { connected } of batch) {
      if (before !== undefined && connected.prevHash !== before) return;
      before = connected.hash;
    }
    yield batch;
  }
}
