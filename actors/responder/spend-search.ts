import type { BlockRef } from '../../events/chain.js';
import type { ChainCommit } from '../../events/commit.js';
import type { AppointmentId, BlockHash, Height, Txid } from '../../events/ids.js';
import type { Outpoint } from '../../events/tracker.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import type { Outspend } from '../../projections/tracker.js';
import { findSpend } from './outspend.js';

/** What the search needs of bitcoind. Both reject while it is away. */
export interface SpendSource {
  /** Whether an output is in the chain, and nothing in the chain spends it. */
  isUnspentInChain(txid: Txid, vout: number): Promise<boolean>;
  /** A block's raw hex; undefined where bitcoind has it not: pruned, or not there yet. */
  rawBlock(hash: BlockHash): Promise<string | undefined>;
}

export interface SpendSearchNeeds {
  readonly chain: Fold<ChainCommit, BlockWindow>;
  readonly carrier: SpendSource;
}

export interface SpendQuestion {
  readonly outputs: readonly Outpoint[];
  /** The dispute, which is no answer. */
  readonly disputeTxid: Txid;
  readonly from: Height;
}

interface Search {
  /** The outputs it looks for: of another set it knows nothing. */
  readonly outputs: string;
  /** The tip at which it was done. */
  readonly tip: BlockHash;
  /** The last block that was read. */
  readonly through: BlockRef | undefined;
}

/**
 * Finds the transaction of the best chain that spends one of some outputs. bitcoind has no index of that, so the blocks
 * are read; each once, as how far a search came is remembered.
 */
export class SpendSearch {
  readonly #searches = new Map<AppointmentId, Search>();
  #stopped = false;
  /** Many breaches may wait for the same block. */
  #lastRead: { readonly hash: BlockHash; readonly raw: string } | undefined;

  constructor(private readonly needs: SpendSearchNeeds) {}

  /** Whether this was asked at this tip. */
  isDone(id: AppointmentId, tip: BlockRef): boolean {
    return this.#searches.get(id)?.tip === tip.hash;
  }

  /** Ends a search that is under way. */
  stop(): void {
    this.#stopped = true;
  }

  forget(id: AppointmentId): void {
    this.#searches.delete(id);
  }

  /**
   * What spends one of the outputs, in the blocks from a height up to the tip; undefined if nothing does, or if a block
   * that may hold it cannot be had: then the next search begins there.
   */
  async find(id: AppointmentId, { outputs, disputeTxid, from }: SpendQuestion): Promise<Outspend | undefined> {
    const { state: chain } = this.needs.chain;
    const { tip } = chain;
    if (!tip) return undefined;
    const key = JSON.stringify(outputs);
    const before = this.#searches.get(id);
    let through =
      before?.outputs === key && before.through && chain.isBest(before.through) ? before.through : undefined;
    let found: Outspend | undefined;
    if (await this.#isAnyGone(outputs))
      for (const { height, hash } of chain.from(Math.max(from, (through?.height ?? -1) + 1))) {
        if (this.#stopped) break;
        const raw = await this.#read(hash);
        const spend = raw === undefined ? undefined : findSpend(raw, outputs, disputeTxid);
        if (spend) found = { ...spend, block: { height, hash } };
        if (raw === undefined || spend) break;
        through = { height, hash };
      }
    this.#searches.set(id, { outputs: key, tip: tip.hash, through });
    return found;
  }

  async #isAnyGone(outputs: readonly Outpoint[]): Promise<boolean> {
    for (const { txid, vout } of outputs) if (!(await this.needs.carrier.isUnspentInChain(txid, vout))) return true;
    return false;
  }

  async #read(hash: BlockHash): Promise<string | undefined> {
    if (this.#lastRead?.hash === hash) return this.#lastRead.raw;
    const raw = await this.needs.carrier.rawBlock(hash);
    if (raw !== undefined) this.#lastRead = { hash, raw };
    return raw;
  }
}
