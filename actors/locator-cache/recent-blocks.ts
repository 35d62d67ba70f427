import { toHex } from '../../events/bytes.js';
import type { BlockRef } from '../../events/chain.js';
import type { BlockHash, Locator } from '../../events/ids.js';
import type { SchemeName } from '../../events/schemes/scheme.js';
import { schemes } from '../../events/schemes/schemes.js';

/** A transaction of a recent block. */
export interface Recent {
  readonly txidInternal: Uint8Array;
  readonly block: BlockRef;
}

interface Held {
  readonly block: BlockRef;
  readonly byHint: ReadonlyMap<string, Uint8Array>;
}

const key = (scheme: SchemeName, locator: string) => `${scheme}/${locator}`;

/** The hints of the transactions of some recent blocks, under every scheme. */
export class RecentBlocks {
  readonly #held = new Map<BlockHash, Held>();

  /** The blocks held, lowest first. */
  get blocks(): readonly BlockRef[] {
    return Array.from(this.#held.values(), ({ block }) => block).sort((a, b) => a.height - b.height);
  }

  has(hash: BlockHash): boolean {
    return this.#held.has(hash);
  }

  /** Adds a block; its txids are in internal order. */
  add(block: BlockRef, txidsInternal: Iterable<Uint8Array>): void {
    const byHint = new Map<string, Uint8Array>();
    for (const txid of txidsInternal)
      for (const scheme of Object.values(schemes)) byHint.set(key(scheme.name, toHex(scheme.hint(txid))), txid);
    this.#held.set(block.hash, { block, byHint });
  }

  /** Forgets every block that is not among `wanted`. */
  keepOnly(wanted: readonly BlockRef[]): void {
    const hashes = new Set(wanted.map(({ hash }) => hash));
    for (const hash of this.#held.keys()) if (!hashes.has(hash)) this.#held.delete(hash);
  }

  /** The transaction that an appointment waits for, if one of the blocks has it. */
  find(scheme: SchemeName, locator: Locator): Recent | undefined {
    for (const { block, byHint } of this.#held.values()) {
      const txidInternal = byHint.get(key(scheme, locator));
      if (txidInternal) return { txidInternal, block };
    }
    return undefined;
  }
}
