import { randomBytes } from 'node:crypto';
import { toHex } from '../../events/bytes.js';
import type { AppointmentId, Locator } from '../../events/ids.js';
import { emptyShelf } from '../../projections/shelf.js';
import { Watchlist } from '../../projections/watchlist.js';
import { median } from './statistics.js';

/** Transactions of a full block: each is looked up once per scheme. */
const BLOCK_TXS = 4_000;
const BLOCKS = 30;

/** The watchlist alone, in this process: what looking up a block of 4,000 transactions takes, while it grows. */
export class LookUp {
  readonly #watchlist = new Watchlist();
  readonly #shelf = emptyShelf();
  /** The longest that one appointment took to be added, in ms. */
  longest = 0;

  growTo(count: number): void {
    for (let n = this.#watchlist.size; n < count; n++) {
      const key = {
        locator: toHex(randomBytes(16)) as Locator,
        appointmentId: toHex(randomBytes(20)) as AppointmentId,
      };
      const begun = performance.now();
      this.#watchlist.accept(this.#shelf, key, n + 1, n + 1);
      this.longest = Math.max(this.longest, performance.now() - begun);
    }
  }

  /** The median of some blocks, in ms. */
  measure(): number {
    const blocks = Array.from({ length: BLOCKS }, () => {
      const txids = new Uint8Array(randomBytes(32 * BLOCK_TXS));
      const begun = performance.now();
      this.#watchlist.lookUpAll(txids);
      return performance.now() - begun;
    });
    return median(blocks);
  }
}
