import type { BlockRef } from '../../events/chain.js';
import type { ChainCommit } from '../../events/commit.js';
import type { AppointmentId, Height } from '../../events/ids.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';

export interface PenaltySearchNeeds {
  readonly chain: Fold<ChainCommit, BlockWindow>;
  /** A block's txids, 32 bytes each, internal order. */
  readonly txids: (block: BlockRef) => Promise<Uint8Array>;
}

/**
 * Finds the block of the best chain that holds a penalty, whoever had it mined.
 *
 * Remembers how far each search came, so that a new block costs one look; after a reorg it begins anew.
 */
export class PenaltySearch {
  readonly #through = new Map<AppointmentId, BlockRef>();

  constructor(private readonly needs: PenaltySearchNeeds) {}

  /** Whether every block up to the tip was searched. */
  isDone(id: AppointmentId, tip: BlockRef): boolean {
    return this.#through.get(id)?.hash === tip.hash;
  }

  forget(id: AppointmentId): void {
    this.#through.delete(id);
  }

  /** The block that holds the penalty, from a height up to the tip; undefined if there is none. */
  async find(id: AppointmentId, txidInternal: Uint8Array, from: Height): Promise<BlockRef | undefined> {
    const chain = this.needs.chain.state;
    const before = this.#through.get(id);
    const next = before && chain.isBest(before) ? before.height + 1 : from;
    for (const block of chain.from(Math.max(from, next))) {
      if (includesTxid(await this.needs.txids(block), txidInternal)) {
        this.#through.delete(id);
        return { height: block.height, hash: block.hash };
      }
      this.#through.set(id, { height: block.height, hash: block.hash });
    }
    return undefined;
  }
}

function includesTxid(txidsInternal: Uint8Array, txidInternal: Uint8Array): boolean {
  const haystack = Buffer.from(txidsInternal.buffer, txidsInternal.byteOffset, txidsInternal.byteLength);
  for (let at = haystack.indexOf(txidInternal); at >= 0; at = haystack.indexOf(txidInternal, at + 1))
    if (at % 32 === 0) return true;
  return false;
}
