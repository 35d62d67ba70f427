import type { Scheme } from './scheme.js';
import { teosScheme } from './teos.js';

/** The rust generation's scheme: hint and key are made of the transaction id in internal order (teos-protocol A1). */
export const teosInternal: Scheme = teosScheme(
  'teos-internal',
  (txidInternal) => txidInternal,
  (txids, at, into) => {
    for (let i = 0; i < 16; i++) into[i] = txids[at + i] ?? 0;
  },
);
