import type { TowerId } from '../../events/ids.js';
import type { Sign } from './decisions.js';

/**
 * Signs a receipt's bytes with the key of one of the tower's identities: at once, or on another thread. The same bytes always
 * get the same signature (RFC 6979). Rejects where there is no time for it, or no such key.
 */
export type SignReceipt = (receipt: Uint8Array, identity: TowerId | undefined) => string | Promise<string>;

/** A receipt, and who is to sign it. */
interface Wanted {
  readonly receipt: Uint8Array;
  readonly identity: TowerId | undefined;
}

/**
 * The receipts of one request, for a decision, which is pure and waits for nothing: what it would sign is noted, signed
 * meanwhile, and there when it is made again.
 */
export class Receipts {
  readonly #signatures: (Wanted & { readonly signature: string })[] = [];
  #missing: Wanted | undefined;

  constructor(private readonly signReceipt: SignReceipt) {}

  /** Whether the last decision wanted a receipt that is not signed: then it is not to be used. */
  get isMissing(): boolean {
    return this.#missing !== undefined;
  }

  /** The signature of a receipt, if it is made; else none. */
  readonly sign: Sign = (receipt, identity) => {
    const isIt = (one: Wanted) => one.identity === identity && Buffer.compare(one.receipt, receipt) === 0;
    const known = this.#signatures.find(isIt);
    this.#missing = known ? undefined : { receipt, identity };
    return known?.signature ?? '';
  };

  /** Resolves when what was missing is signed. */
  async signed(): Promise<void> {
    const wanted = this.#missing;
    if (!wanted) return;
    const signature = await this.signReceipt(wanted.receipt, wanted.identity);
    this.#signatures.push({ ...wanted, signature });
    this.#missing = undefined;
  }

  /** The outcome of an attempt whose decision had every receipt that it wanted signed: it is made again until it had. */
  async settled<Outcome>(attempt: () => Promise<Outcome>): Promise<Outcome> {
    for (;;) {
      const outcome = await attempt();
      if (!this.isMissing) return outcome;
      await this.signed();
    }
  }
}
