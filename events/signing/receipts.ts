import { z } from 'zod';
import { be32, concat, fromHex, utf8 } from '../bytes.js';
import type { UserId } from '../ids.js';
import { signatureRecord } from './message.js';

/**
 * Receipts: the bytes that the tower signs and the client checks, in the dialect of the generation that the client
 * belongs to (teos-protocol A1). All integers are 4 bytes, unsigned, big-endian. Nothing in the bytes says which
 * dialect or which kind of receipt they are.
 */

/** Which generation of TEOS clients a user's software is of; fixed when it registers. */
export const Dialect = z.enum(['python', 'rust']);
export type Dialect = z.infer<typeof Dialect>;

/** What a registration receipt is about. */
export interface Registration {
  readonly userId: UserId;
  /** The slots available after this registration. */
  readonly slots: number;
  /** The height at which the subscription began. */
  readonly start: number;
  /** The height at which it ends. */
  readonly expiry: number;
}

/** What an appointment receipt is about. */
export interface AcceptedAppointment {
  /** The user's signature of the appointment: the text exactly as received, 104 characters of zbase32. */
  readonly userSignature: string;
  /** The height from which the tower watches. */
  readonly startBlock: number;
}

/**
 * The bytes of a registration receipt. python: user id (33) || slots || expiry, 41 bytes, so the start goes unsigned.
 * rust: user id (33) || slots || start || expiry, 45 bytes.
 * Throws a `RangeError` on a number that is not a 32-bit unsigned integer.
 */
export function registrationReceipt(dialect: Dialect, { userId, slots, start, expiry }: Registration): Uint8Array {
  switch (dialect) {
    case 'python':
      return concat(fromHex(userId), be32(slots), be32(expiry));
    case 'rust':
      return concat(fromHex(userId), be32(slots), be32(start), be32(expiry));
  }
}

/**
 * The bytes of an appointment receipt. python: the user signature's record (65) || start block, 69 bytes.
 * rust: the user signature's text in ASCII (104), its case as received, || start block, 108 bytes.
 * Throws a `RangeError` on a text that is not zbase32 of 65 bytes (its user was authenticated by it, so it is), or on
 * a height that is not a 32-bit unsigned integer.
 */
export function appointmentReceipt(dialect: Dialect, { userSignature, startBlock }: AcceptedAppointment): Uint8Array {
  const record = signatureRecord(userSignature);
  if (record === undefined) throw new RangeError('a user signature is zbase32 of 65 bytes');
  switch (dialect) {
    case 'python':
      return concat(record, be32(startBlock));
    case 'rust':
      return concat(utf8(userSignature), be32(startBlock));
  }
}

/**
 * The bytes of the receipt for a deletion: the user's signature of its request, as the BOLT13 draft has it. python: its
 * record, 65 bytes. rust: its text in ASCII, 104 bytes. No other receipt is as long.
 * Throws a `RangeError` on a text that is not zbase32 of 65 bytes.
 */
export function deletionReceipt(dialect: Dialect, userSignature: string): Uint8Array {
  const record = signatureRecord(userSignature);
  if (record === undefined) throw new RangeError('a user signature is zbase32 of 65 bytes');
  return dialect === 'python' ? record : utf8(userSignature);
}
