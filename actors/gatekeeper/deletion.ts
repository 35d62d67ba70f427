import type { AppointmentId, Height, Locator } from '../../events/ids.js';
import { deletionReceipt } from '../../events/signing/receipts.js';
import type { Deletion } from '../../events/user.js';
import { MOST_SLOTS, type Subscription, type UserState } from '../../projections/user.js';
import type { Deleted, Refusal } from '../outcomes.js';
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

export function deleteAppointment(command: DeleteAppointment, state: UserState): Decided {
  const { appointmentId, locator, receipt, userSignature, height, triggered, sign } = command;
  if (state.status !== 'registered') return refuse({ kind: 'authentication-failed' });
  if (height >= state.expiry) return refuse({ kind: 'subscription-expired', expiry: state.expiry });
  const booking = state.appointments.get(appointmentId);
  if (!booking) return refuse({ kind: 'appointment-not-found' });
  if (booking.status === 'deleted') return deletedBefore(command, state, booking.deletion);
  if (receipt !== null && receipt !== booking.receiptSignature) return refuse({ kind: 'receipt-replaced' });
  if (booking.status === 'rejected' || triggered) return refuse({ kind: 'already-triggered' });
  const receiptSignature = sign(deletionReceipt(state.dialect, userSignature), state.identity);
  const deletion = { locator, startBlock: booking.startBlock, receipt, userSignature, receiptSignature };
  const { slots: slotsRefunded } = booking;
  return {
    outcome: granted(deletion, Math.min(state.slots + slotsRefunded, MOST_SLOTS), state),
    events: [{ type: 'AppointmentEnded', appointmentId, reason: 'deleted', slotsRefunded, deletion }],
  };
}

/** The very same request again, its answer perhaps lost: the receipt that was given, and nothing new. */
function deletedBefore({ userSignature }: DeleteAppointment, state: Subscription, deletion: Deletion): Decided {
  return deletion.userSignature === userSignature
    ? { outcome: granted(deletion, state.slots, state), events: [] }
    : refuse({ kind: 'appointment-not-found' });
}

const granted = ({ locator, receiptSignature }: Deletion, slots: number, { expiry }: Subscription): Deleted => ({
  kind: 'deleted',
  locator,
  receiptSignature,
  slots,
  expiry,
});
