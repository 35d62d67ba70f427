import type { BlockRef } from '../events/chain.js';
import type { Height, Locator, Txid, UserId } from '../events/ids.js';
import type { RefusalVerdict, TrackerEvent } from '../events/tracker.js';

/** What is known of one breach and its answer: the fold of a tracker's events. */

export interface Penalty {
  readonly txid: Txid;
  /** Raw transaction, hex. */
  readonly rawTx: string;
  /** The dispute's raw transaction, hex; null where bitcoind could not give it. */
  readonly disputeRawTx: string | null;
}

export interface Refusal {
  readonly verdict: RefusalVerdict;
  readonly blob: number;
  /** The height at which bitcoind first gave this verdict. */
  readonly height: Height;
}

interface Breach {
  readonly userId: UserId;
  readonly locator: Locator;
  readonly disputeTxid: Txid;
  /** The block that holds the dispute; null while a reorg has taken it out, and before it was ever mined. */
  readonly disputeBlock: BlockRef | null;
  /** The tip's height when the dispute was first seen in a mempool; null once it is known to have been in a block. */
  readonly sightedAt: Height | null;
}

export type Tracker = Breach &
  (
    | { readonly stage: 'breached'; readonly refusal: Refusal | null }
    | { readonly stage: 'broadcast'; readonly penalty: Penalty; readonly refusal: Refusal | null }
    | { readonly stage: 'confirmed'; readonly penalty: Penalty; readonly block: BlockRef }
    | { readonly stage: 'irrevocable'; readonly penalty: Penalty; readonly block: BlockRef }
    /** Given up: `blob` is the position of the blob that was of no use. A newer blob begins anew. */
    | { readonly stage: 'blob-refused'; readonly blob: number }
    | { readonly stage: 'penalty-refused'; readonly blob: number }
  );

export type TrackerState = { readonly stage: 'none' } | Tracker;

export const noTracker = (): TrackerState => ({ stage: 'none' });

/** Whether the tower has work with it: a breach whose penalty is neither buried nor given up. */
export const isLive = (state: TrackerState): state is Tracker & { stage: 'breached' | 'broadcast' | 'confirmed' } =>
  state.stage === 'breached' || state.stage === 'broadcast' || state.stage === 'confirmed';

/** Whether the dispute was only ever seen in a mempool: it may never be mined, and nothing is to push it. */
export const isOnlySighted = ({ sightedAt }: Tracker): boolean => sightedAt !== null;

/** Whatever bitcoind refused was refused for the place in which the dispute was then. */
const withDispute = (state: Tracker, disputeBlock: BlockRef | null): Tracker => {
  const moved: Tracker = { ...state, disputeBlock, sightedAt: null };
  return 'refusal' in moved ? { ...moved, refusal: null } : moved;
};

/** The state after an event. */
export function evolveTracker(state: TrackerState, event: TrackerEvent): TrackerState {
  if (state.stage === 'none') return begin(event) ?? state;
  const { userId, locator, disputeTxid, disputeBlock, sightedAt } = state;
  const breach: Breach = { userId, locator, disputeTxid, disputeBlock, sightedAt };
  switch (event.type) {
    case 'BreachSighted':
      return state;
    case 'BreachDetected':
      return withDispute(state, event.block);
    case 'BreachReorgedOut':
      return withDispute(state, null);
    case 'BlobRefused':
      return { ...breach, stage: 'blob-refused', blob: event.blob };
    case 'PenaltyBroadcast': {
      const { penaltyTxid: txid, rawTx, disputeRawTx } = event;
      return { ...breach, stage: 'broadcast', penalty: { txid, rawTx, disputeRawTx }, refusal: null };
    }
    case 'PenaltyRefused': {
      const { verdict, blob, height } = event;
      if (event.final) return { ...breach, stage: 'penalty-refused', blob };
      const refusal = { verdict, blob, height };
      return 'penalty' in state
        ? { ...breach, stage: 'broadcast', penalty: state.penalty, refusal }
        : { ...breach, stage: 'breached', refusal };
    }
    case 'PenaltyConfirmed':
      return 'penalty' in state ? { ...breach, stage: 'confirmed', penalty: state.penalty, block: event.block } : state;
    case 'PenaltyReorgedOut':
      return 'penalty' in state ? { ...breach, stage: 'broadcast', penalty: state.penalty, refusal: null } : state;
    case 'PenaltyIrrevocable':
      return state.stage === 'confirmed' ? { ...state, stage: 'irrevocable' } : state;
  }
}

/** What a tracker begins with; undefined for an event that cannot be the first. */
function begin(event: TrackerEvent): Tracker | undefined {
  if (event.type !== 'BreachDetected' && event.type !== 'BreachSighted') return undefined;
  const { userId, locator, disputeTxid } = event;
  const where =
    event.type === 'BreachDetected'
      ? { disputeBlock: event.block, sightedAt: null }
      : { disputeBlock: null, sightedAt: event.height };
  return { userId, locator, disputeTxid, ...where, stage: 'breached', refusal: null };
}
