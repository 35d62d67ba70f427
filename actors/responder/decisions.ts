import type { BlockRef } from '../../events/chain.js';
import type { Decision } from '../../events/decider.js';
import type { Height, Txid } from '../../events/ids.js';
import type {
  BlobRefused,
  PenaltyBroadcast,
  PenaltyRefused,
  RefusalVerdict,
  TrackerEvent,
} from '../../events/tracker.js';
import type { BlobRef } from '../../events/user.js';
import {
  isLive,
  isOnlySighted,
  type LiveTracker,
  type Outspend,
  type Penalty,
  type Refusal,
  type Tracker,
  type TrackerState,
} from '../../projections/tracker.js';
import { IRREVOCABLE, isBuried } from './burial.js';
import { nextOfOutspent, searchSpendFrom } from './outspend.js';
import { isPaused } from './pace.js';

/** What the Responder does next about a breach, and what it records of what came of it. Everything here is pure. */

/** What the Responder knows beside the tracker. */
export interface Facts {
  readonly tip: BlockRef;
  /** Whether a block is on the best chain. */
  readonly isBest: (block: BlockRef) => boolean;
  /** The blob of the live appointment; undefined when the appointment is over. */
  readonly blob: Pick<BlobRef, 'position'> | undefined;
  /** Whether this node has sent the penalty (or found that it cannot) at this tip, with this blob. */
  readonly tried: boolean;
  /** Whether this node has looked for the penalty in every block up to this tip. */
  readonly searched: boolean;
  /** The height at which this node sent the penalty last. */
  readonly lastTry: Height | undefined;
  /** Whether this node has looked up, at this tip, what spent the inputs that are missing. */
  readonly traced: boolean;
}

export type Action =
  | { readonly kind: 'wait' }
  | { readonly kind: 'record'; readonly event: TrackerEvent }
  /** The chain says that a block is gone: to be recorded only by a node that knows all of the log's chain. */
  | { readonly kind: 'record-reorg'; readonly event: TrackerEvent }
  /** Open the blob and broadcast what is in it. */
  | { readonly kind: 'respond'; readonly blob: Pick<BlobRef, 'position'> }
  /** Look for the penalty in the blocks from this height on. */
  | { readonly kind: 'search'; readonly from: Height }
  | { readonly kind: 'rebroadcast' }
  /** Look for what spent the inputs, in the blocks from this height on. */
  | { readonly kind: 'trace'; readonly from: Height };

const wait: Action = { kind: 'wait' };
const record = (event: TrackerEvent): Action => ({ kind: 'record', event });
const recordReorg = (event: TrackerEvent): Action => ({ kind: 'record-reorg', event });

export function nextAction(state: TrackerState, facts: Facts): Action {
  switch (state.stage) {
    case 'none':
    case 'irrevocable':
      return wait;
    case 'blob-refused':
    case 'penalty-refused':
      return facts.blob && facts.blob.position !== state.blob && !facts.tried ? respond(facts.blob) : wait;
    default:
      return disputeGone(state, facts) ?? nextOfLive(state, facts);
  }
}

const respond = (blob: Pick<BlobRef, 'position'>): Action => ({ kind: 'respond', blob });

function disputeGone({ disputeBlock: block, disputeTxid }: Tracker, { isBest }: Facts): Action | undefined {
  return block && !isBest(block) ? recordReorg({ type: 'BreachReorgedOut', disputeTxid, block }) : undefined;
}

const appointmentEnded = record({ type: 'BlobRefused', blob: 0, reason: 'appointment-ended' });

function nextOfLive(state: LiveTracker, facts: Facts): Action {
  switch (state.stage) {
    case 'breached':
      if (!facts.blob) return appointmentEnded;
      return isToTry(state.refusal, facts) ? respond(facts.blob) : traceOrWait(state, facts);
    case 'broadcast':
      // What is not mined has no penalty in a block; and what may never be mined does not outlive its appointment.
      if (isOnlySighted(state) && !facts.blob) return appointmentEnded;
      if (!isOnlySighted(state) && !facts.searched) return { kind: 'search', from: searchFrom(state, facts.tip) };
      return isToTry(state.refusal, facts) ? { kind: 'rebroadcast' } : traceOrWait(state, facts);
    case 'outspent':
      return afterOutspend(state.outspend, facts);
    case 'confirmed':
      return nextOfConfirmed(state.penalty, state.block, facts);
  }
}

const isToTry = (refusal: Refusal | null, { tried, lastTry, tip }: Facts): boolean =>
  !tried && !isPaused(refusal, lastTry, tip);

/** An input that is missing is not there yet, or it is spent by another transaction. */
function traceOrWait(state: Extract<LiveTracker, { refusal: unknown }>, { traced, tip }: Facts): Action {
  if (state.refusal?.verdict !== 'inputs-missing-or-spent' || traced) return wait;
  return { kind: 'trace', from: searchSpendFrom(state, tip) };
}

function afterOutspend(outspend: Outspend, facts: Facts): Action {
  const event = nextOfOutspent(outspend, facts);
  if (!event) return wait;
  return event.type === 'OutspendReorgedOut' ? recordReorg(event) : record(event);
}

/**
 * A penalty cannot be mined before its dispute. Where that is mined is not known after a reorg, also when it was mined
 * again while the appointment was given up and nobody looked: then as far back as a block may still be reorged out.
 */
const searchFrom = ({ disputeBlock }: Tracker, tip: BlockRef): Height =>
  disputeBlock?.height ?? (Math.max(0, tip.height - IRREVOCABLE + 1) as Height);

function nextOfConfirmed({ txid: penaltyTxid }: Penalty, block: BlockRef, { tip, isBest }: Facts): Action {
  if (!isBest(block)) return recordReorg({ type: 'PenaltyReorgedOut', penaltyTxid, block });
  return isBuried(block, tip) ? record({ type: 'PenaltyIrrevocable', penaltyTxid, height: tip.height }) : wait;
}

/** What came of opening a blob, or of sending a penalty. */
export type Answer =
  | { readonly kind: 'refused-blob'; readonly blob: number; readonly reason: BlobRefused['reason'] }
  | {
      readonly kind: 'sent';
      readonly blob: number;
      readonly penalty: Penalty;
      /** Undefined if bitcoind took the penalty or has it already. */
      readonly refusal: { readonly verdict: RefusalVerdict; readonly detail: string } | undefined;
      readonly height: Height;
    };

/** Records an answer if it says more than the tracker does. */
export function decideAnswer(answer: Answer, state: TrackerState): Decision<void, TrackerEvent> {
  if (state.stage === 'none') return decided();
  if (answer.kind === 'refused-blob') {
    const { blob, reason } = answer;
    const isNews = state.stage === 'breached' || (isRefused(state) && state.blob !== blob);
    return isNews ? decided({ type: 'BlobRefused', blob, reason }) : decided();
  }
  return answer.refusal
    ? decideRefusal(answer, answer.refusal, state)
    : decideBroadcast(answer.penalty, answer.height, state);
}

const decided = (...events: TrackerEvent[]): Decision<void, TrackerEvent> => ({ outcome: undefined, events });

const isRefused = (state: Tracker): state is Extract<Tracker, { blob: number }> =>
  state.stage === 'blob-refused' || state.stage === 'penalty-refused';

function decideBroadcast({ txid, rawTx, disputeRawTx }: Penalty, height: Height, state: Tracker) {
  const isNews =
    state.stage === 'breached' || isRefused(state) || (state.stage === 'broadcast' && state.refusal !== null);
  const event: PenaltyBroadcast = { type: 'PenaltyBroadcast', penaltyTxid: txid, rawTx, disputeRawTx, height };
  return isNews ? decided(event) : decided();
}

type Sent = Extract<Answer, { kind: 'sent' }>;

/**
 * Of a dispute that was only seen in a mempool, missing inputs say no more than that it is not in this node's: replaced,
 * evicted, or never there. That is neither here nor there for its penalty, and another node may know better.
 */
function decideRefusal({ penalty, blob, height }: Sent, refusal: NonNullable<Sent['refusal']>, state: Tracker) {
  const { verdict, detail } = refusal;
  if (!isLive(state) && !(isRefused(state) && state.blob !== blob)) return decided();
  if (state.stage === 'confirmed' || state.stage === 'outspent') return decided();
  if (isOnlySighted(state) && isLive(state) && verdict === 'inputs-missing-or-spent') return decided();
  const before = 'refusal' in state ? state.refusal : null;
  const final = verdict === 'invalid';
  if (before?.verdict === verdict && !final) return decided();
  const event: PenaltyRefused = {
    type: 'PenaltyRefused',
    penaltyTxid: penalty.txid as Txid,
    blob,
    verdict,
    detail: detail.slice(0, 200),
    height,
    final,
  };
  return decided(event);
}

/** The penalty was found in a block. */
export function decideConfirmed(block: BlockRef, state: TrackerState): Decision<void, TrackerEvent> {
  return state.stage === 'broadcast'
    ? decided({ type: 'PenaltyConfirmed', penaltyTxid: state.penalty.txid, block })
    : decided();
}
