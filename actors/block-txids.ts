import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockRef } from '../events/chain.js';
import type { BlockHash } from '../events/ids.js';
import type { TxidStore } from '../events/log/txids.js';

/** How many bytes of txids are remembered, newest asked last: those of some hundred full blocks, or of any that were missed. */
const REMEMBERED = 32_000_000;
const RETRY_MS = 500;

/**
 * The txids of blocks, for whoever evaluates them: from memory, from the log, or, when the log's window does not reach
 * back so far, asked of the node's own bitcoind, which publishes them again. So it does when what is on the log is not the
 * block's: another node's mistake must not make this one pass over a breach.
 */
export class BlockTxids {
  readonly #memory = new Map<BlockHash, Uint8Array>();
  #bytes = 0;

  constructor(
    private readonly store: Pick<TxidStore, keyof TxidStore>,
    /** Reads a block's txids from bitcoind: undefined if it has pruned the block. Rejects while it cannot tell. */
    private readonly fetch: (hash: BlockHash) => Promise<Uint8Array | undefined>,
    private readonly onWait: (block: BlockRef, error: unknown) => void,
    private readonly signal: AbortSignal,
    private readonly check: TxidsCheck,
  ) {}

  /** Publishes a block's txids: 32 bytes each, internal order. */
  async publish(hash: BlockHash, txidsInternal: Uint8Array): Promise<void> {
    await this.store.put(hash, txidsInternal);
    this.#remember(hash, txidsInternal);
  }

  /**
   * A block's txids, 32 bytes each in internal order; undefined if nobody has the block: it was pruned. Waits as long as
   * it must for somebody who can tell; rejects only when the node stops.
   */
  async of(block: BlockRef): Promise<Uint8Array | undefined> {
    for (;;) {
      try {
        return await this.ifAny(block);
      } catch (error) {
        this.onWait(block, error);
      }
      await sleep(RETRY_MS, undefined, { signal: this.signal });
    }
  }

  /** The same without patience: rejects if neither the log nor bitcoind can be asked. */
  async ifAny({ hash }: BlockRef): Promise<Uint8Array | undefined> {
    const known = this.#memory.get(hash);
    if (known) return known;
    const txids = (await this.#stored(hash)) ?? (await this.#republish(hash));
    if (txids) this.#remember(hash, txids);
    return txids;
  }

  /** Where bitcoind cannot tell, they are taken for what they should be: there is nobody else to ask. */
  async #stored(hash: BlockHash): Promise<Uint8Array | undefined> {
    const stored = await this.store.get(hash);
    if (!stored || (await this.check.areOfBlock(hash, stored)) !== false) return stored;
    this.check.onWrong(hash);
    return undefined;
  }

  async #republish(hash: BlockHash): Promise<Uint8Array | undefined> {
    const txids = await this.fetch(hash);
    if (txids) await this.store.put(hash, txids);
    return txids;
  }

  #remember(hash: BlockHash, txids: Uint8Array): void {
    this.#forget(hash);
    this.#memory.set(hash, txids);
    this.#bytes += txids.length;
    for (const oldest of this.#memory.keys()) {
      if (this.#bytes <= REMEMBERED) break;
      this.#forget(oldest);
    }
  }

  #forget(hash: BlockHash): void {
    this.#bytes -= this.#memory.get(hash)?.length ?? 0;
    this.#memory.delete(hash);
  }
}

/** How what the log has is compared with the chain. */
export interface TxidsCheck {
  /** Whether these are the txids of a block; undefined if that cannot be told now. Never rejects. */
  readonly areOfBlock: (hash: BlockHash, txidsInternal: Uint8Array) => Promise<boolean | undefined>;
  /** The log has others. */
  readonly onWrong: (hash: BlockHash) => void;
}

/** The single txids, 32 bytes each in internal order, of a block's bytes. */
export function* eachTxid(txidsInternal: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at + 32 <= txidsInternal.length; at += 32) yield txidsInternal.subarray(at, at + 32);
}

/** Whether a block's bytes have a txid among them; 32 bytes in internal order. */
export function includesTxid(txidsInternal: Uint8Array, txidInternal: Uint8Array): boolean {
  const haystack = Buffer.from(txidsInternal.buffer, txidsInternal.byteOffset, txidsInternal.byteLength);
  for (let at = haystack.indexOf(txidInternal); at >= 0; at = haystack.indexOf(txidInternal, at + 1))
    if (at % 32 === 0) return true;
  return false;
}
