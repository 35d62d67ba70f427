import { z } from 'zod';
import { bytesOfHex } from '../../events/bytes.js';
import { type AppointmentId, Height, Locator, UserId } from '../../events/ids.js';
import { appointmentId, serializeAppointment, slotsFor } from '../../events/signing/appointment.js';
import { signerIs } from '../../events/signing/message.js';

/** An appointment of another tower, of which everything holds that this one asks of its own. */
export interface CheckedAppointment {
  readonly id: AppointmentId;
  readonly userId: UserId;
  readonly locator: Locator;
  readonly blob: Uint8Array;
  readonly toSelfDelay: number;
  /** As the user sent it. */
  readonly userSignature: string;
  readonly startBlock: Height;
  readonly slots: number;
}

/** What a node may be told to take at the most, in bytes. */
const MOST_BLOB = 500_000;

const Fields = z.object({
  uuid: z.string(),
  user_id: UserId,
  locator: Locator,
  blob: z.string(),
  to_self_delay: z.number().int().min(0).max(0xffffffff),
  user_signature: z.string().length(104),
  start_block: Height,
});

/** The appointment in a row; or why it is none, in words. */
export function checkAppointment(fields: Readonly<Record<string, unknown>>): CheckedAppointment | string {
  const parsed = Fields.safeParse(fields);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `${issue?.path.join('.') || 'the row'}: ${issue?.message ?? 'not well formed'}`;
  }
  const { uuid, user_id: userId, locator, to_self_delay: toSelfDelay, user_signature: userSignature } = parsed.data;
  const blob = bytesOfHex(parsed.data.blob);
  if (!blob) return 'blob: no bytes in hex';
  if (blob.length === 0) return 'blob: empty, so that nothing could ever be made of it';
  if (blob.length > MOST_BLOB) return `blob: ${blob.length} bytes, more than the ${MOST_BLOB} that a tower takes`;
  const id = appointmentId(locator, userId);
  if (uuid !== id) return `uuid: that of its user and locator is ${id}`;
  if (!signerIs(serializeAppointment({ locator, encryptedBlob: blob, toSelfDelay }), userSignature, userId))
    return 'user_signature: it is not by its user over this appointment';
  const { start_block: startBlock } = parsed.data;
  return { id, userId, locator, blob, toSelfDelay, userSignature, startBlock, slots: slotsFor(blob.length) };
}
