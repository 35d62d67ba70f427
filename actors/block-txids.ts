import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockRef } from '../events/chain.js';
import type { BlockHash } from '../events/ids.js';
import type { TxidStore } from '../events/log/txids.js';

/** How many blocks' txids are remembered, newest asked last: enough for the locator cache and a small reorg. */
const REMEMBERED = 16;
const RETRY_MS = 500;

/**
 * The txids of blocks, for whoever evaluates them: from memory, from the log, or, when the log's window does not reach
 * back so far, asked of the node's own bitcoind, which publishes them again.
 */
export class BlockTxids {
  readonly #memory = new Map<BlockHash, Uint8Array>();

  constructor(
    private readonly store: Pick<TxidStore, keyof TxidStore>,
    /** Reads a block from bitcoind; rejects while it cannot. */
    private readonly fetch: (hash: BlockHash) => Promise<Uint8Array>,
    private readonly onWait: (block: BlockRef, error: unknown) => void,
    private readonly signal: AbortSignal,
  ) {}

  /** Publishes a block's txids: 32 bytes each, internal order. */
  async publish(hash: BlockHash, txidsInternal: Uint8Array): Promise<void> {
    await this.store.put(hash, txidsInternal);
    this.#remember(hash, txidsInternal);
  }

  /** A block's txids, 32 bytes each in internal order. Waits as long as it must; rejects only when the node stops. */
  async of(block: BlockRef): Promise<Uint8Array> {
    const known = this.#memory.get(block.hash);
    if (known) return known;
    for (;;) {
      try {
        const txids = (await this.store.get(block.hash)) ?? (await this.#republish(block.hash));
        this.#remember(block.hash, txids);
        return txids;
      } catch (error) {
        this.onWait(block, error);
      }
      await sleep(RETRY_MS, undefined, { signal: this.signal });
    }
  }

  async #republish(hash: BlockHash): Promise<Uint8Array> {
    const txids = await this.fetch(hash);
    await this.store.put(hash, txids);
    return txids;
  }

  #remember(hash: BlockHash, txids: Uint8Array): void {
    this.#memory.delete(hash);
    this.#memory.set(hash, txids);
    for (const oldest of this.#memory.keys()) {
      if (this.#memory.size <= REMEMBERED) break;
      this.#memory.delete(oldest);
    }
  }
}

/** The single txids, 32 bytes each in internal order, of a block's bytes. */
export function* eachTxid(txidsInternal: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at + 32 <= txidsInternal.length; at += 32) yield txidsInternal.subarray(at, at + 32);
}
