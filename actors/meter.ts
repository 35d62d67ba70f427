import type { BlockHash, Txid } from '../events/ids.js';

/** What a node's actors say of their work, where it happens, to whoever measures it: each is an addition, and nothing waits for it. */
export interface Meter {
  /** A request that is being served, whatever door it came through. */
  requestBegan(): void;
  /** `outcome` is `granted`, or why not, by the field's name; `ms` how long it took. */
  requestEnded(operation: string, outcome: string, ms: number): void;
  /** So many requests that were refused alike, before they were served. */
  requestsRefused(operation: string, outcome: string, count: number): void;
  /** An append to the log, from the decision to the ack. */
  appended(outcome: 'appended' | 'conflict' | 'failed', ms: number): void;
  /** This node was told of a block, or found it. */
  blockSeen(hash: BlockHash): void;
  /** An appointment that came after the block with its dispute: the time since that block is not the tower's. */
  cameLate(disputeTxid: Txid): void;
  /** bitcoind took the penalty of a dispute that is in that block. */
  penaltyTaken(penaltyTxid: Txid, disputeTxid: Txid, block: BlockHash): void;
}

/** For who is not measured. */
export const unmeasured: Meter = {
  requestBegan: () => {},
  requestEnded: () => {},
  requestsRefused: () => {},
  appended: () => {},
  blockSeen: () => {},
  cameLate: () => {},
  penaltyTaken: () => {},
};
