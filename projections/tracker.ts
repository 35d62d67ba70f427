import type { BlockRef } from '../events/chain.js';
import type { Height, Locator, Txid, UserId } from '../events/ids.js';
import type { Outpoint, RefusalVerdict, TrackerEvent } from '../events/tracker.js';

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

/** The transaction, in a block, that spent what the penalty needs. */
export interface Outspend {
  readonly output: Outpoint;
  readonly spentBy: Txid;
  readonly block: BlockRef;
}

interface Breach {
  readonly userId: UserId;
  readonly locator: Locator;
  readonly disputeTxid: Txid;
  /** The block that holds the dispute; null while a reorg has taken it out, and before it was ever mined. */
  readonly disputeBlock: BlockRef | null;
  /** The tip's height when the dispute was first seen in a mempool; null once it is known to have been in a block. */
  readonly sightedAt: Height | null;
  /** While it is in no block: the one that held it before the reorg. */
  readonly lostBlock?: BlockRef;
}

export type Tracker = Breach &
  (
    | { readonly stage: 'breached'; readonly refusal: Refusal | null }
    | {
        readonly stage: 'broadcast';
        readonly penalty: Penalty;
        readonly refusal: Refusal | null;
        /** The height from which on it could be mined. */
        readonly since: Height;
      }
    /** Of no effect as long as the outspend stands. The penalty is null if bitcoind never took it. */
    | {
        readonly stage: 'outspent';
        readonly penalty: Penalty | null;
        readonly since: Height;
        readonly blob: number;
        readonly outspend: Outspend;
      }
    | { readonly stage: 'confirmed'; readonly penalty: Penalty; readonly block: BlockRef }
    | { readonly stage: 'irrevocable'; readonly penalty: Penalty; readonly block: BlockRef }
    /** Given up: `blob` is the position of the blob that was of no use. A newer blob begins anew. */
    | { readonly stage: 'blob-refused'; readonly blob: number }
    | { readonly stage: 'penalty-refused'; readonly blob: number }
  );

export type TrackerState = { readonly stage: 'none' } | Tracker;

export const noTracker = (): TrackerState => ({ stage: 'none' });

export type LiveTracker = Extract<Tracker, { stage: 'breached' | 'broadcast' | 'outspent' | 'confirmed' }>;

/** Whether the tower has work with it: a breach whose penalty is neither buried nor given up. */
export const isLive = (state: TrackerState): state is LiveTracker =>
  state.stage === 'breached' ||
  state.stage === 'broadcast' ||
  state.stage === 'outspent' ||
  state.stage === 'confirmed';

/** Whether the dispute was only ever seen in a mempool: it may never be mined, and nothing is to push it. */
export const isOnlySighted = ({ sightedAt }: Tracker): boolean => sightedAt !== null;

/** Whatever bitcoind refused was refused for the place in which the dispute was then. */
function withDispute({ lostBlock: _, ...state }: Tracker, place: Pick<Breach, 'disputeBlock' | 'lostBlock'>): Tracker {
  const moved: Tracker = { ...state, ...place, sightedAt: null };
  return 'refusal' in moved ? { ...moved, refusal: null } : moved;
}

/** The state after an event. */
export function evolveTracker(state: TrackerState, event: TrackerEvent): TrackerState {
  if (state.stage === 'none') return begin(event) ?? state;
  const { userId, locator, disputeTxid, disputeBlock, sightedAt, lostBlock } = state;
  const breach: Breach = { userId, locator, disputeTxid, disputeBlock, sightedAt, ...(lostBlock && { lostBlock }) };
  switch (event.type) {
    case 'BreachSighted':
      return state;
    case 'BreachDetected':
      return withDispute(state, { disputeBlock: event.block });
    case 'BreachReorgedOut':
      return withDispute(state, { disputeBlock: null, lostBlock: event.block });
    case 'BlobRefused':
      return { ...breach, stage: 'blob-refused', blob: event.blob };
    case 'PenaltyBroadcast': {
      const { penaltyTxid: txid, rawTx, disputeRawTx } = event;
      return {
        ...breach,
        stage: 'broadcast',
        penalty: { txid, rawTx, disputeRawTx },
        refusal: null,
        since: event.height,
      };
    }
    case 'PenaltyRefused': {
      const { verdict, blob, height } = event;
      if (event.final) return { ...breach, stage: 'penalty-refused', blob };
      const refusal = { verdict, blob, height };
      const penalty = penaltyOf(state);
      return penalty
        ? { ...breach, stage: 'broadcast', penalty, refusal, since: sinceOf(state) ?? height }
        : { ...breach, stage: 'breached', refusal };
    }
    case 'PenaltyConfirmed':
      return confirmed(state, breach, event.block);
    case 'PenaltyReorgedOut':
      return unmined(state, breach, event.block.height);
    case 'PenaltyIrrevocable':
      return state.stage === 'confirmed' ? { ...state, stage: 'irrevocable' } : state;
    case 'PenaltyOutspent': {
      const { blob, output, spentBy, block } = event;
      const since = sinceOf(state) ?? block.height;
      return {
        ...breach,
        stage: 'outspent',
        penalty: penaltyOf(state),
        since,
        blob,
        outspend: { output, spentBy, block },
      };
    }
    case 'OutspendReorgedOut':
      return state.stage === 'outspent' ? unmined(state, breach, state.since) : state;
    case 'OutspendIrrevocable':
      return state.stage === 'outspent' ? { ...breach, stage: 'penalty-refused', blob: state.blob } : state;
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

const penaltyOf = (state: Tracker): Penalty | null => ('penalty' in state ? state.penalty : null);
const sinceOf = (state: Tracker): Height | undefined => ('since' in state ? state.since : undefined);

function confirmed(state: Tracker, breach: Breach, block: BlockRef): Tracker {
  const penalty = penaltyOf(state);
  return penalty ? { ...breach, stage: 'confirmed', penalty, block } : state;
}

/** Where a penalty is that was mined, or outspent, and is neither any more. */
function unmined(state: Tracker, breach: Breach, since: Height): Tracker {
  const penalty = penaltyOf(state);
  if (penalty) return { ...breach, stage: 'broadcast', penalty, refusal: null, since };
  return state.stage === 'outspent' ? { ...breach, stage: 'breached', refusal: null } : state;
}
