import { z } from 'zod';

/** The name of a scheme, as events spell it. A name, once stored, keeps its meaning; more may join. */
export const SchemeName = z.enum(['teos-display', 'teos-internal']);
export type SchemeName = z.infer<typeof SchemeName>;

/**
 * One way of hiding an appointment behind the id of the transaction that would be a breach. The core knows no more of
 * an appointment than its owner, its hint, its blob and its scheme.
 *
 * Transaction ids are 32 bytes in internal order, the order in which hashing outputs them; any other length is a bug
 * and throws a `RangeError`.
 */
export interface Scheme {
  readonly name: SchemeName;

  /** What a watched transaction is looked up by: 16 bytes, the locator of an appointment that waits for it. */
  hint(txidInternal: Uint8Array): Uint8Array;

  /** The same for one of many: writes the hint of the id that begins at `at` into the first 16 bytes of `into`. */
  copyHint(txidsInternal: Uint8Array, at: number, into: Uint8Array): void;

  /** The plaintext of a blob, or `undefined` if this transaction id does not open it. */
  open(blob: Uint8Array, txidInternal: Uint8Array): Uint8Array | undefined;

  /** The blob that only this transaction id opens: what a client makes. The same each time. */
  seal(plaintext: Uint8Array, txidInternal: Uint8Array): Uint8Array;
}
