import type { BlockRef } from '../../events/chain.js';
import type { AppointmentId, BlockHash, Height } from '../../events/ids.js';
import type { BlockWindow } from '../../projections/block-window.js';
import { includesTxid } from '../block-txids.js';

export interface PenaltySearchNeeds {
  readonly chain: { readonly state: BlockWindow };
  /** A block's txids, 32 bytes each, internal order; undefined if nobody has the block. */
  readonly txids: (block: BlockRef) => Promise<Uint8Array | undefined>;
}

/**
 * Finds the block of the best chain that holds a penalty, whoever had it mined.
 *
 * Remembers how far each search came, so that a new block costs one look; after a reorg it begins anew. So it does when its
 * dispute turns up in a block before those that were searched, and when a block that nobody had, and that was passed over,
 * can be read.
 */
export class PenaltySearch {
  readonly #searched = new Map<AppointmentId, { readonly from: Height; readonly through: BlockRef }>();
  /** Who passed over a block. */
  readonly #passed = new Map<BlockHash, Set<AppointmentId>>();

  constructor(private readonly needs: PenaltySearchNeeds) {}

  /** Whether every block was searched up to the tip: from the dispute's on, if that is known. */
  isDone(id: AppointmentId, tip: BlockRef, dispute: BlockRef | null): boolean {
    const searched = this.#searched.get(id);
    return searched?.through.hash === tip.hash && (!dispute || searched.from <= dispute.height);
  }

  forget(id: AppointmentId): void {
    this.#searched.delete(id);
  }

  /** Whoever passed this block over searches again. */
  blockRead({ hash }: BlockRef): void {
    for (const id of this.#passed.get(hash) ?? []) this.#searched.delete(id);
    this.#passed.delete(hash);
  }

  /** The block that holds the penalty, from a height up to the tip; undefined if there is none. */
  async find(id: AppointmentId, txidInternal: Uint8Array, from: Height): Promise<BlockRef | undefined> {
    const chain = this.needs.chain.state;
    const before = this.#searched.get(id);
    const goesOn = before !== undefined && chain.isBest(before.through) && before.from <= from;
    const first = goesOn ? before.from : from;
    for (const block of chain.from(goesOn ? before.through.height + 1 : from)) {
      const txids = await this.needs.txids(block);
      if (!txids) this.#pass(id, block);
      else if (includesTxid(txids, txidInternal)) {
        this.#searched.delete(id);
        return { height: block.height, hash: block.hash };
      }
      this.#searched.set(id, { from: first, through: { height: block.height, hash: block.hash } });
    }
    return undefined;
  }

  #pass(id: AppointmentId, { hash }: BlockRef): void {
    this.#passed.set(hash, (this.#passed.get(hash) ?? new Set()).add(id));
  }
}
