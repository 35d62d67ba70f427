import { Transaction } from 'bitcoinjs-lib';
import { fromHex, reversed, toHex } from '../../events/bytes.js';
import type { AppointmentId, UserId } from '../../events/ids.js';
import { schemes } from '../../events/schemes/schemes.js';
import { appointmentId } from '../../events/signing/appointment.js';
import type { BreachDetected, BreachSighted, PenaltyRefused, TrackerEvent } from '../../events/tracker.js';
import { evolveTracker, isLive, isOnlySighted, type Tracker, type TrackerState } from '../../projections/tracker.js';
import type { BookingTable } from './booking-table.js';
import { CROSSING_MS, checkBlock, checkHeight, checkLeft, type Place } from './shard-context.js';
import type { TrackerRecords } from './tracker-records.js';
import type { UserRecord } from './user-record.js';

/** Blocks until what a block holds is irrevocable, that block included. */
const IRREVOCABLE = 100;

/** A transaction that the log says a block holds. */
export type Mined = (txid: string, block: { readonly hash: string }, what: string) => void;

export interface TrackerRulesNeeds {
  readonly users: ReadonlyMap<UserId, UserRecord>;
  readonly bookings: Pick<BookingTable, 'get'>;
  readonly trackers: TrackerRecords;
  /** Hears of each transaction that is said to be in a block. */
  readonly mined: (position: number, ...about: Parameters<Mined>) => void;
}

/** Whether a tracker went from its breach to its end as the Watcher, the LocatorCache and the Responder carry it. */
export class TrackerRules {
  constructor(private readonly needs: TrackerRulesNeeds) {}

  apply(id: AppointmentId, events: readonly TrackerEvent[], place: Place): void {
    const { trackers } = this.needs;
    if (events.length !== 1) place.complain('commit', 'no one decision about a breach comes to these events');
    for (const event of events) {
      const state = trackers.state(id);
      const wrong = this.#check(id, event, state, place);
      if (wrong !== undefined) place.complain('tracker', wrong);
      trackers.set(id, evolveTracker(state, event), place.time);
      this.#forgetIfDeleted(id);
    }
  }

  #forgetIfDeleted(id: AppointmentId): void {
    const { users, trackers } = this.needs;
    const state = trackers.state(id);
    if (state.stage !== 'none' && users.get(state.userId)?.deleted.has(id)) trackers.forgetSighted(id);
  }

  /** What is wrong with an event in a state; undefined if nothing is. */
  #check(id: AppointmentId, event: TrackerEvent, state: TrackerState, place: Place): string | undefined {
    if (event.type === 'BreachSighted' || event.type === 'BreachDetected')
      return this.#checkBreach(id, event, state, place);
    if (state.stage === 'none') return `${event.type} without a breach`;
    switch (event.type) {
      case 'BreachReorgedOut':
        checkLeft(event.block, place);
        if (!isLive(state)) return 'nobody answers this breach any more';
        if (state.disputeBlock?.hash !== event.block.hash || state.disputeTxid !== event.disputeTxid)
          return 'its dispute was not in that block';
        return undefined;
      case 'BlobRefused':
        return this.#checkBlobRefused(id, event.blob, event.reason, state, place);
      case 'PenaltyBroadcast':
        checkHeight(event.height, place);
        if (txidOf(event.rawTx) !== event.penaltyTxid) return 'the raw transaction has another txid than the penalty';
        if (event.disputeRawTx !== null && txidOf(event.disputeRawTx) !== state.disputeTxid)
          return 'the raw transaction of the dispute has another txid';
        if (state.stage === 'broadcast' && state.refusal === null) return 'it had been sent already';
        if (isRefused(state)) return this.#checkNewer(id, state.blob, place);
        return state.stage === 'breached' || state.stage === 'broadcast' ? undefined : notIn(event, state);
      case 'PenaltyRefused':
        checkHeight(event.height, place);
        return this.#checkPenaltyRefused(id, event, state, place);
      case 'PenaltyConfirmed':
        if (checkBlock(event.block, place)) this.#mined(event.penaltyTxid, event.block, 'the penalty', place);
        if (state.stage !== 'broadcast') return notIn(event, state);
        return samePenalty(event, state);
      case 'PenaltyReorgedOut':
        checkLeft(event.block, place);
        if (state.stage !== 'confirmed') return notIn(event, state);
        if (state.block.hash !== event.block.hash) return 'the penalty was not in that block';
        return samePenalty(event, state);
      case 'PenaltyIrrevocable':
        checkHeight(event.height, place);
        if (state.stage !== 'confirmed') return notIn(event, state);
        return samePenalty(event, state) ?? buried(state.block.height, event.height);
      case 'PenaltyOutspent':
        if (checkBlock(event.block, place)) this.#mined(event.spentBy, event.block, 'what outspent the penalty', place);
        if (state.stage !== 'breached' && state.stage !== 'broadcast') return notIn(event, state);
        if (event.spentBy === event.penaltyTxid || event.spentBy === state.disputeTxid)
          return 'neither the penalty nor its dispute outspends the penalty';
        return state.stage === 'broadcast' ? samePenalty(event, state) : undefined;
      case 'OutspendReorgedOut':
        checkLeft(event.block, place);
        if (state.stage !== 'outspent') return notIn(event, state);
        return state.outspend.spentBy === event.spentBy && state.outspend.block.hash === event.block.hash
          ? undefined
          : 'that is not what outspent the penalty';
      case 'OutspendIrrevocable':
        checkHeight(event.height, place);
        if (state.stage !== 'outspent') return notIn(event, state);
        if (state.outspend.spentBy !== event.spentBy) return 'that is not what outspent the penalty';
        return buried(state.outspend.block.height, event.height);
    }
  }

  #mined(txid: string, block: { readonly hash: string }, what: string, { position }: Place): void {
    this.needs.mined(position, txid, block, what);
  }

  #checkBreach(
    id: AppointmentId,
    event: BreachSighted | BreachDetected,
    state: TrackerState,
    place: Place,
  ): string | undefined {
    const { userId, locator, disputeTxid } = event;
    if (appointmentId(locator, userId) !== id) return 'the appointment is not that of this user and locator';
    const hints = Object.values(schemes).map((scheme) => toHex(scheme.hint(reversed(fromHex(disputeTxid)))));
    if (!hints.includes(locator)) return 'the locator is not that of the dispute';
    if (event.type === 'BreachSighted') {
      checkHeight(event.height, place);
      if (state.stage !== 'none') return 'its breach is known already';
    } else if (checkBlock(event.block, place)) this.#mined(disputeTxid, event.block, 'the dispute', place);
    if (state.stage === 'none') {
      const booking = this.needs.bookings.get(id);
      if (booking ? booking.owner.id === userId : this.needs.trackers.endedLately(id, place.time)) return undefined;
      return 'there is no such appointment';
    }
    if (event.type === 'BreachSighted') return undefined;
    if (state.stage === 'irrevocable') return 'its penalty is irrevocable already';
    if (state.disputeTxid !== disputeTxid) return 'its dispute was another one';
    return state.disputeBlock?.hash === event.block.hash ? 'its dispute is known to be in that block' : undefined;
  }

  #checkBlobRefused(id: AppointmentId, blob: number, reason: string, state: Tracker, place: Place): string | undefined {
    const booking = this.needs.bookings.get(id);
    if (reason === 'appointment-ended') {
      const isWaiting = state.stage === 'breached' || (state.stage === 'broadcast' && isOnlySighted(state));
      if (!isWaiting) return notIn({ type: 'BlobRefused' }, state);
      const isOver = booking?.status !== 'live' || booking.time >= place.time - CROSSING_MS;
      return isOver ? undefined : 'the appointment has not ended';
    }
    if (state.stage !== 'breached' && !isRefused(state)) return notIn({ type: 'BlobRefused' }, state);
    if (isRefused(state) && state.blob === blob) return 'that blob had been refused already';
    return this.#checkBlob(id, blob, place);
  }

  /** A blob that was the appointment's by then, or just before. */
  #checkBlob(id: AppointmentId, blob: number, { time }: Place): string | undefined {
    const booking = this.needs.bookings.get(id);
    if (!booking) return this.needs.trackers.endedLately(id, time) ? undefined : 'there is no such appointment';
    if (booking.blob === blob || (blob < booking.blob && booking.time >= time - CROSSING_MS)) return undefined;
    return `blob ${blob} is not the one of the appointment`;
  }

  /** Of what was given up only a newer blob is tried; one that was just then replaced may have been tried already. */
  #checkNewer(id: AppointmentId, refused: number, { time }: Place): string | undefined {
    const { bookings, trackers } = this.needs;
    const booking = bookings.get(id);
    const isAnother = booking && (booking.blob !== refused || booking.time >= time - CROSSING_MS);
    return (isAnother ?? trackers.endedLately(id, time)) ? undefined : 'it was given up, and no newer blob has come';
  }

  #checkPenaltyRefused(id: AppointmentId, event: PenaltyRefused, state: Tracker, place: Place): string | undefined {
    const { verdict, final, blob } = event;
    if (final !== (verdict === 'invalid')) return 'only what the rules of consensus forbid is given up';
    if (isRefused(state))
      return state.blob === blob ? 'it was given up already' : this.#checkNewer(id, state.blob, place);
    if (state.stage !== 'breached' && state.stage !== 'broadcast') return notIn(event, state);
    if (isOnlySighted(state) && verdict === 'inputs-missing-or-spent')
      return 'that inputs are missing says nothing while its dispute is in no block';
    if (state.refusal?.verdict === verdict && !final) return 'the verdict was the same before';
    // Of a version that came when another one's penalty was out already, or that was just then replaced.
    const isAnother = state.stage === 'broadcast' && samePenalty(event, state) !== undefined;
    return isAnother ? this.#checkBlob(id, blob, place) : undefined;
  }
}

const notIn = ({ type }: { readonly type: string }, { stage }: Tracker): string =>
  `${type} does not follow where a breach is ${stage}`;

const isRefused = (state: Tracker): state is Extract<Tracker, { stage: 'blob-refused' | 'penalty-refused' }> =>
  state.stage === 'blob-refused' || state.stage === 'penalty-refused';

function samePenalty(
  { penaltyTxid }: { readonly penaltyTxid: string },
  { penalty }: Extract<Tracker, { penalty: unknown }>,
): string | undefined {
  return !penalty || penalty.txid === penaltyTxid ? undefined : 'the penalty is another one';
}

function buried(from: number, at: number): string | undefined {
  const blocks = at - from + 1;
  return blocks >= IRREVOCABLE ? undefined : `it is buried by ${blocks} blocks, not by ${IRREVOCABLE}`;
}

function txidOf(rawTx: string): string | undefined {
  try {
    return Transaction.fromHex(rawTx).getId();
  } catch {
    return undefined;
  }
}
