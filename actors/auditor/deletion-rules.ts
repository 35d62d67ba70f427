import { appointmentId, deleteAppointmentRequest } from '../../events/signing/appointment.js';
import { deletionReceipt } from '../../events/signing/receipts.js';
import type { AppointmentEnded } from '../../events/user.js';
import type { Booking } from './booking-table.js';
import { CROSSING_MS, type Place } from './shard-context.js';
import { receiptMarkOf, type UserRecord } from './user-record.js';
import type { UserRulesNeeds } from './user-rules.js';

type Needs = Pick<UserRulesNeeds, 'stream' | 'signatures' | 'towerId' | 'trackers' | 'compare'>;

/** Whether an appointment was deleted as its user asked: what the user and the tower signed, and for which version. */
export function checkDeletion(
  { appointmentId: id, deletion }: AppointmentEnded,
  user: UserRecord,
  booking: Booking,
  { position, time, complain }: Place,
  { stream, signatures, towerId, trackers, compare }: Needs,
): void {
  if (!deletion) return; // then it is no such event
  const { locator, startBlock, receipt, userSignature, receiptSignature } = deletion;
  if (user.status !== 'registered') complain('delete', 'the user is not registered');
  if (appointmentId(locator, user.id) !== id) complain('delete', 'it is not the appointment of this user and locator');
  if (startBlock !== booking.startBlock)
    complain('delete', `the appointment began at height ${booking.startBlock}, not ${startBlock}`);
  const another = { what: 'delete', why: 'the user asked for another version to be deleted' };
  if (receipt !== null && receiptMarkOf(receipt) !== booking.receiptMark) complain(another.what, another.why);
  else if (receipt !== null)
    compare({
      position,
      earlier: booking.position,
      id,
      isWrong: (was) => was.receiptSignature !== receipt,
      ...another,
    });
  if (trackers.triggeredSince(id, time) > CROSSING_MS) complain('delete', 'its breach was being answered already');
  const place = (of: string) => ({ stream, position, of });
  signatures.message(deleteAppointmentRequest(locator, receipt), userSignature, user.id, place('the deletion'));
  const message = deletionReceipt(user.dialect, userSignature);
  signatures.message(message, receiptSignature, user.identity ?? towerId, place('the receipt for the deletion'));
}
