import type { BlockConnected, BlockRef } from '../events/chain.js';
import type { ChainCommit, Recorded } from '../events/commit.js';
import { type IdentityRotated, isSigned, type Succession } from '../events/identity.js';
import type { BlockHash, Height, Position } from '../events/ids.js';

/** A block of the best chain, with the position in `CHAIN` of the commit that connected it. */
export interface WindowBlock extends BlockRef {
  readonly chainwork: string;
  readonly position: Position;
}

/**
 * The best chain as the log tells it, from the first block that the tower ever saw to its tip, and the tower's identities: the
 * fold of `CHAIN`.
 *
 * Two nodes with the same log have the same window, whatever their own bitcoinds think.
 */
export class BlockWindow {
  readonly #blocks: WindowBlock[];
  readonly #successions: Succession[];

  constructor(
    /** Position of the last folded commit. */
    public position: Position = 0,
    /** The best chain by then, lowest block first. */
    blocks: Iterable<WindowBlock> = [],
    successions: Iterable<Succession> = [],
  ) {
    this.#blocks = Array.from(blocks);
    this.#successions = Array.from(successions);
  }

  /** The statements by which the tower began other identities, as the log has them; those that are not signed are left out. */
  get successions(): readonly Succession[] {
    return this.#successions;
  }

  get tip(): WindowBlock | undefined {
    return this.#blocks.at(-1);
  }

  /** The first block that the tower ever saw. */
  get root(): WindowBlock | undefined {
    return this.#blocks[0];
  }

  /** The block of the best chain at a height, if the window reaches it. */
  at(height: number): WindowBlock | undefined {
    const root = this.#blocks[0];
    return root && height >= root.height ? this.#blocks[height - root.height] : undefined;
  }

  /** Whether a block is on the best chain. */
  isBest(block: { height: number; hash: BlockHash }): boolean {
    return this.at(block.height)?.hash === block.hash;
  }

  /** The same, and that no reorg took it out since and back in: else what was known of it may be from before. */
  holds(block: { height: number; hash: BlockHash; position: Position }): boolean {
    const now = this.at(block.height);
    return now?.hash === block.hash && now.position === block.position;
  }

  /** The blocks from a height to the tip, lowest first. */
  from(height: number): readonly WindowBlock[] {
    const root = this.#blocks[0];
    return root ? this.#blocks.slice(Math.max(0, height - root.height)) : [];
  }

  apply({ events, position }: Recorded<ChainCommit>): void {
    for (const event of events) {
      if (event.type === 'BlockConnected') this.#blocks.push(windowBlock(event, position));
      else if (event.type === 'IdentityRotated') this.#succeed(event);
      else if (event.type === 'BlockDisconnected' && this.tip?.hash === event.hash) this.#blocks.pop();
    }
    this.position = position;
  }

  #succeed({ type: _, ...succession }: IdentityRotated): void {
    if (isSigned(succession)) this.#successions.push(succession);
  }

  /** What two nodes with the same log agree on to the byte. */
  toJSON(): unknown {
    const successions = this.#successions;
    return { position: this.position, blocks: this.#blocks, ...(successions.length > 0 && { successions }) };
  }
}

const windowBlock = ({ height, hash, chainwork }: BlockConnected, position: Position): WindowBlock => ({
  height: height as Height,
  hash,
  chainwork,
  position,
});
