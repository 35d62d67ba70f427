import { toHex } from '../../events/bytes.js';
import type { UserId } from '../../events/ids.js';
import type { AppointmentProof } from '../../events/proofs/appointment-proof.js';
import type { Accepted, Deleted, Proven, Refusal, Registered, Shown, SubscriptionInfo } from '../outcomes.js';
import type {
  AddAppointmentAnswer,
  DeleteAppointmentAnswer,
  GetAppointmentAnswer,
  RegisterAnswer,
  SubscriptionInfoAnswer,
} from '../wire.js';
import type { Told } from './dialect.js';

/**
 * What is sent back. A granted request is answered with the fields of both generations, which ignore one another's
 * (teos-protocol B4); a refused one in the words of one generation.
 */
export interface Answer {
  /** An HTTP status, also where the door is NATS. */
  readonly status: number;
  readonly body: object;
  /** Why a request was refused, by the field's name, the same in both dialects. */
  readonly reason?: Refusal['kind'] | 'malformed-request';
  /** When the same request may be made again, in ms, where that is known. */
  readonly retryMs?: number;
  /** Whether another node gave it: then it says nothing of what this one can do. */
  readonly relayed?: true;
}

export function refusedWith(reason: NonNullable<Answer['reason']>, { status, code, text, body }: Told): Answer {
  return { status, reason, body: body ?? { error: text, ...(code !== undefined && { error_code: code }) } };
}

const granted = <Body extends object>(body: Body): Answer => ({ status: 200, body });

export const registered = (userId: UserId, outcome: Registered): Answer =>
  granted<RegisterAnswer>({
    user_id: userId,
    public_key: userId,
    available_slots: outcome.slots,
    subscription_start: outcome.start,
    subscription_expiry: outcome.expiry,
    subscription_signature: outcome.receiptSignature,
  });

export const accepted = (outcome: Accepted): Answer =>
  granted<AddAppointmentAnswer>({
    locator: outcome.locator,
    start_block: outcome.startBlock,
    signature: outcome.receiptSignature,
    available_slots: outcome.slots,
    subscription_expiry: outcome.expiry,
  });

export const deleted = (outcome: Deleted): Answer =>
  granted<DeleteAppointmentAnswer>({
    locator: outcome.locator,
    signature: outcome.receiptSignature,
    available_slots: outcome.slots,
    subscription_expiry: outcome.expiry,
  });

export const watched = ({ locator, toSelfDelay }: Shown & { kind: 'watched' }, blob: Uint8Array): Answer =>
  granted<GetAppointmentAnswer>({
    locator,
    status: 'being_watched',
    appointment: { locator, encrypted_blob: toHex(blob), to_self_delay: toSelfDelay },
  });

export const responded = ({ locator, disputeTxid, penalty }: Shown & { kind: 'responded' }): Answer =>
  granted<GetAppointmentAnswer>({
    locator,
    status: 'dispute_responded',
    appointment: { locator, dispute_txid: disputeTxid, penalty_txid: penalty.txid, penalty_rawtx: penalty.rawTx },
  });

export const proven = ({ kind: _, ...proof }: Proven): Answer => granted<AppointmentProof>(proof);

export const subscription = ({ slots, expiry, locators }: SubscriptionInfo): Answer =>
  granted<SubscriptionInfoAnswer>({
    available_slots: slots,
    subscription_expiry: expiry,
    locators: [...locators],
    appointments: [...locators],
  });
