import { concat, fromHex } from '../../events/bytes.js';
import type { BlockHash, Height } from '../../events/ids.js';
import type { Tx } from './transactions.js';

/** A block of some branch, with all that its chain has done up to it. */
export interface Block {
  readonly hash: BlockHash;
  readonly prev: Block | undefined;
  readonly height: Height;
  /** All work from the first block to this one. */
  readonly work: number;
  readonly txs: readonly Tx[];
  /** 32 bytes each, internal order, a coinbase first. */
  readonly txidsInternal: Uint8Array;
  /** What was spent on its chain, and by whom. */
  readonly spent: ReadonlyMap<string, Tx>;
}

/** Whether a transaction is on the chain that ends in a block. */
export const isMined = (tx: Tx, tip: Block): boolean => tip.spent.get(tx.spends) === tx;

/** Whether a transaction may be in the next block on a chain. */
export const isMinable = (tx: Tx, tip: Block): boolean =>
  !tx.invalid && !tip.spent.has(tx.spends) && (tx.parent === undefined || isMined(tx.parent, tip));

/** A block as bitcoind stores it, but for its coinbase, which is nobody's affair: a header, a count, the transactions. */
export const rawOf = ({ txs }: Block): string =>
  `${'00'.repeat(80)}${txs.length.toString(16).padStart(2, '0')}${txs.map(({ rawTx }) => rawTx).join('')}`;

/** Every block there is, whoever knows of it. */
export class BlockTree {
  readonly #byHash = new Map<string, Block>();

  get(hash: string): Block | undefined {
    return this.#byHash.get(hash);
  }

  /** A new block on another, with those of some transactions that may be in it. */
  extend(prev: Block | undefined, wanted: readonly Tx[] = [], work = 2): Block {
    const number = (this.#byHash.size + 1).toString(16);
    const txs: Tx[] = [];
    let spent = prev?.spent ?? new Map<string, Tx>();
    for (const tx of prev ? wanted : []) {
      const isFree = !tx.invalid && !spent.has(tx.spends);
      if (!isFree || (tx.parent && spent.get(tx.parent.spends) !== tx.parent)) continue;
      spent = new Map(spent).set(tx.spends, tx);
      txs.push(tx);
    }
    const block: Block = {
      hash: `b${number.padStart(63, '0')}` as BlockHash,
      prev,
      height: (prev ? prev.height + 1 : 0) as Height,
      work: (prev?.work ?? 0) + work,
      txs,
      txidsInternal: concat(fromHex(`c${number.padStart(63, '0')}`), ...txs.map(({ internal }) => internal)),
      spent,
    };
    this.#byHash.set(block.hash, block);
    return block;
  }
}

/** The block at a height of the chain that ends in a tip. */
export function ancestor(tip: Block, height: number): Block | undefined {
  let block: Block | undefined = tip;
  while (block && block.height > height) block = block.prev;
  return block?.height === height ? block : undefined;
}

/** Whether a block is on the chain that ends in a tip. */
export const isOn = (block: Block, tip: Block): boolean => ancestor(tip, block.height) === block;
