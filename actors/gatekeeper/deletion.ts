import type { AppointmentId, Height, Locator } from '../../events/ids.js';
import { deletionReceipt } from '../../events/signing/receipts.js';
import type { AppointmentEnded } from '../../events/user.js';
import { MOST_SLOTS, type UserState } from '../../projections/user.js';
import type { Refusal } from '../outcomes.js';
import type { Decided, Sign } from './decisions.js';

/** The user wants an appointment deleted. */
export interface DeleteAppointment {
  readonly kind: 'delete-appointment';
  readonly appointmentId: AppointmentId;
  readonly locator: Locator;
  /** The signature of the receipt that the request names; null if it names none. */
  readonly receipt: string | null;
  readonly userSignature: string;
  readonly height: Height;
  /** Whether a breach of it was ever seen. */
  readonly triggered: boolean;
  readonly sign: Sign;
}

const refuse = (refusal: Refusal): Decided => ({ outcome: refusal, events: [] });

/** Asked again, also after the answer was lost: the same receipt, and nothing new. */
export function deleteAppointment(command: DeleteAppointment, state: UserState): Decided {
  const { appointmentId, locator, receipt, userSignature, height, triggered, sign } = command;
  if (state.status !== 'registered') return refuse({ kind: 'authentication-failed' });
  if (height >= state.expiry) return refuse({ kind: 'subscription-expired', expiry: state.expiry });
  const booking = state.appointments.get(appointmentId);
  if (!booking) return refuse({ kind: 'appointment-not-found' });
  if (receipt !== null && receipt !== booking.receiptSignature) return refuse({ kind: 'receipt-replaced' });
  if (booking.status === 'rejected' || (booking.status === 'live' && triggered))
    return refuse({ kind: 'already-triggered' });
  const receiptSignature = sign(deletionReceipt(state.dialect, userSignature));
  const isOver = booking.status === 'deleted';
  const slots = Math.min(state.slots + (isOver ? 0 : booking.slots), MOST_SLOTS);
  const deletion = { locator, receipt, userSignature, receiptSignature };
  const ended: AppointmentEnded = {
    type: 'AppointmentEnded',
    appointmentId,
    slotsRefunded: booking.slots,
    reason: 'deleted',
    deletion,
  };
  return {
    outcome: { kind: 'deleted', locator, receiptSignature, slots, expiry: state.expiry },
    events: isOver ? [] : [ended],
  };
}
