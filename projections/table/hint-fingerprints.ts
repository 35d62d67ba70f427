import type { Scheme } from '../../events/schemes/scheme.js';
import type { Fingerprint } from './fingerprint.js';

export const TXID_BYTES = 32;
const HINT_BYTES = 16;

/**
 * The fingerprints of what many transactions are looked up by; their ids are 32 bytes each, in internal order, one after
 * another. Those under the first scheme come first, in the order of the ids, then those under the second.
 */
export function hintFingerprints(
  txidsInternal: Uint8Array,
  schemes: readonly Scheme[],
  fingerprint: Fingerprint,
): Float64Array {
  const count = Math.floor(txidsInternal.length / TXID_BYTES);
  const fingerprints = new Float64Array(count * schemes.length);
  const hint = new Uint8Array(HINT_BYTES);
  for (const [n, scheme] of schemes.entries())
    for (let i = 0; i < count; i++) {
      scheme.copyHint(txidsInternal, i * TXID_BYTES, hint);
      fingerprints[n * count + i] = fingerprint(hint);
    }
  return fingerprints;
}
