import type { MempoolView } from '../../actors/watcher/mempool-watcher.js';
import { toHex } from '../../events/bytes.js';
import { schemes } from '../../events/schemes/schemes.js';
import type { Bitcoind } from './bitcoind.js';
import type { Wire } from './wire.js';

/** What a node sees of its bitcoind's mempool: nothing while that is away, or where the node does not watch it. */
export const mempoolViewOf = (bitcoind: Bitcoind, wire: Wire, isWatched: boolean): MempoolView => {
  const seen = () => (isWatched && !bitcoind.isAway ? bitcoind.mempool.map(({ internal }) => internal) : []);
  return {
    txids: seen,
    find: (scheme, hint) => seen().find((txid) => toHex(schemes[scheme].hint(txid)) === hint),
    onAdded: (listener) => {
      if (isWatched) bitcoind.onAdded = (tx) => void wire.carry('bitcoind', () => listener(tx.internal));
      return () => {};
    },
  };
};
