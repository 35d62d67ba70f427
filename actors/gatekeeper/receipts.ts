import type { Sign } from './decisions.js';

/**
 * Signs a receipt's bytes with the tower's key: at once, or on another thread. The same bytes always get the same signature
 * (RFC 6979). Rejects where there is no time for it.
 */
export type SignReceipt = (receipt: Uint8Array) => string | Promise<string>;

/**
 * The receipts of one request, for a decision, which is pure and waits for nothing: what it would sign is noted, signed
 * meanwhile, and there when it is made again.
 */
export class Receipts {
  readonly #signatures: { readonly receipt: Uint8Array; readonly signature: string }[] = [];
  #missing: Uint8Array | undefined;

  constructor(private readonly signReceipt: SignReceipt) {}

  /** Whether the last decision wanted a receipt that is not signed: then it is not to be used. */
  get isMissing(): boolean {
    return this.#missing !== undefined;
  }

  /** The signature of a receipt, if it is made; else none. */
  readonly sign: Sign = (receipt) => {
    const known = this.#signatures.find((one) => Buffer.compare(one.receipt, receipt) === 0);
    this.#missing = known ? undefined : receipt;
    return known?.signature ?? '';
  };

  /** Resolves when what was missing is signed. */
  async signed(): Promise<void> {
    const receipt = this.#missing;
    if (!receipt) return;
    this.#signatures.push({ receipt, signature: await this.signReceipt(receipt) });
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
