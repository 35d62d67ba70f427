import type { SavedIndex } from './table/fingerprint-index.js';

/** The columns of a watchlist, as bytes. */
export const WATCHLIST_COLUMNS = ['entries', 'heads', 'words', 'rest'] as const;
export type WatchlistColumns<Bytes> = Readonly<Record<(typeof WATCHLIST_COLUMNS)[number], Bytes>>;

/** All that a watchlist is made of but for its columns. Without its key those are of no use. */
export interface SavedWatchlist {
  readonly key: Uint8Array;
  readonly index: SavedIndex;
}
