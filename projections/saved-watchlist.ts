import type { SchemeName } from '../events/schemes/scheme.js';
import type { SavedIndex } from './table/fingerprint-index.js';

/** The columns of a watchlist, as bytes. */
export const WATCHLIST_COLUMNS = ['entries', 'heads', 'words', 'rest'] as const;
export type WatchlistColumns<Bytes> = Readonly<Record<(typeof WATCHLIST_COLUMNS)[number], Bytes>>;

/** All that a watchlist is made of. Without its key its columns are of no use. */
export interface SavedWatchlist<Bytes> {
  readonly key: Uint8Array;
  readonly index: SavedIndex;
  /** Those that its appointments may be hidden with. */
  readonly schemes: readonly SchemeName[];
  readonly columns: WatchlistColumns<Bytes>;
}
