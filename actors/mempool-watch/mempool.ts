import type { Locator } from '../../events/ids.js';
import type { Scheme, SchemeName } from '../../events/schemes/scheme.js';
import { schemes } from '../../events/schemes/schemes.js';

/** Hears of a transaction that is in the mempool; its id is 32 bytes in internal order. */
export type MempoolListener = (txidInternal: Uint8Array) => void;

/**
 * The txids of a bitcoind's mempool, found by the hint of any scheme.
 *
 * It is memory alone: who fills it is the MempoolWatch, who asks it are the shards. Empty where the mempool is not watched.
 * Ids are kept as one character a byte, some 210 bytes in all for each transaction, which costs bitcoind itself over 1,000;
 * so bitcoind's own bound, `maxmempool`, is a bound here too.
 */
export class Mempool {
  readonly #byHint = Object.values(schemes).map((scheme) => ({ scheme, txids: new Map<string, string>() }));
  readonly #listeners = new Set<MempoolListener>();

  get size(): number {
    return this.#first.size;
  }

  /** The ids of all transactions: 32 bytes each, internal order. May be walked while it changes. */
  *txids(): Generator<Uint8Array> {
    for (const txid of this.#first.values()) yield bytesOf(txid);
  }

  /** The transaction that has a hint under a scheme: 32 bytes, internal order. */
  find(scheme: SchemeName, hint: Locator): Uint8Array | undefined {
    const txids = this.#byHint.find((index) => index.scheme.name === scheme)?.txids;
    const txid = txids?.get(Buffer.from(hint, 'hex').toString('latin1'));
    return txid === undefined ? undefined : bytesOf(txid);
  }

  /** Tells of each transaction from now on, once it can be found; gives the function that ends it. */
  onAdded(listener: MempoolListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Adds a transaction and tells of it, also if it was known: who listens may have something to do again. */
  add(txidInternal: Uint8Array): void {
    const txid = textOf(txidInternal);
    for (const { scheme, txids } of this.#byHint) txids.set(hintOf(scheme, txidInternal), txid);
    for (const listener of this.#listeners) listener(txidInternal);
  }

  remove(txidInternal: Uint8Array): void {
    const txid = textOf(txidInternal);
    for (const { scheme, txids } of this.#byHint) {
      const hint = hintOf(scheme, txidInternal);
      if (txids.get(hint) === txid) txids.delete(hint);
    }
  }

  get #first(): Map<string, string> {
    return this.#byHint[0]?.txids ?? new Map();
  }
}

/** A key of bytes: one character each. */
export const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const hintOf = (scheme: Scheme, txidInternal: Uint8Array): string => textOf(scheme.hint(txidInternal));
