import { reversed } from '../bytes.js';
import type { Scheme } from './scheme.js';
import { teosScheme } from './teos.js';

/** The python generation's scheme: hint and key are made of the transaction id in display order (teos-protocol A1). */
export const teosDisplay: Scheme = teosScheme('teos-display', reversed, (txids, at, into) => {
  for (let i = 0; i < 16; i++) into[i] = txids[at + 31 - i] ?? 0;
});
