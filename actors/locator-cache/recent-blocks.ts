import { randomBytes } from 'node:crypto';
import { fromHex } from '../../events/bytes.js';
import type { BlockRef } from '../../events/chain.js';
import type { BlockHash, Locator } from '../../events/ids.js';
import type { SchemeName } from '../../events/schemes/scheme.js';
import { schemes } from '../../events/schemes/schemes.js';
import { keyedFingerprint } from '../../projections/table/fingerprint.js';
import { FingerprintIndex } from '../../projections/table/fingerprint-index.js';

const SCHEMES = Object.values(schemes);

/** A transaction of a recent block. */
export interface Recent {
  readonly txidInternal: Uint8Array;
  readonly block: BlockRef;
}

interface Held {
  readonly block: BlockRef;
  readonly txids: readonly Uint8Array[];
  /** The fingerprints of all hints: for each transaction one entry a scheme, in the order of `SCHEMES`. */
  readonly hints: FingerprintIndex;
}

/** The hints of the transactions of some recent blocks, under every scheme. */
export class RecentBlocks {
  readonly #held = new Map<BlockHash, Held>();
  readonly #fingerprint = keyedFingerprint(randomBytes(16));

  #blocks: readonly BlockRef[] = [];

  /** The blocks held, lowest first. */
  get blocks(): readonly BlockRef[] {
    return this.#blocks;
  }

  has(hash: BlockHash): boolean {
    return this.#held.has(hash);
  }

  /** Adds a block; its txids are in internal order. */
  add(block: BlockRef, txidsInternal: Iterable<Uint8Array>): void {
    const txids = Array.from(txidsInternal);
    const hints = new FingerprintIndex();
    const hint = new Uint8Array(16);
    for (const txid of txids)
      for (const scheme of SCHEMES) {
        scheme.copyHint(txid, 0, hint);
        hints.add(this.#fingerprint(hint));
      }
    this.#held.set(block.hash, { block, txids, hints });
    this.#sort();
  }

  /** Forgets every block that is not among `wanted`. */
  keepOnly(wanted: readonly BlockRef[]): void {
    const hashes = new Set(wanted.map(({ hash }) => hash));
    for (const hash of this.#held.keys()) if (!hashes.has(hash)) this.#held.delete(hash);
    this.#sort();
  }

  #sort(): void {
    this.#blocks = Array.from(this.#held.values(), ({ block }) => block).sort((a, b) => a.height - b.height);
  }

  /** The transaction that an appointment waits for, if one of the blocks has it. */
  find(scheme: SchemeName, locator: Locator): Recent | undefined {
    const hint = fromHex(locator);
    const fingerprint = this.#fingerprint(hint);
    const isIt = (txidInternal: Uint8Array) => Buffer.compare(schemes[scheme].hint(txidInternal), hint) === 0;
    for (const { block, txids, hints } of this.#held.values())
      for (const entry of hints.find(fingerprint)) {
        const txidInternal = txids[Math.floor(entry / SCHEMES.length)];
        if (txidInternal && isIt(txidInternal)) return { txidInternal, block };
      }
    return undefined;
  }
}
