import { hash } from 'node:crypto';
import { crypto } from 'bitcoinjs-lib';
import { be32, concat, fromHex, toHex, utf8 } from '../bytes.js';
import type { AppointmentId, Locator, UserId } from '../ids.js';

/** What a user signs, byte for byte, and what the tower derives from it: equal in both dialects (teos-protocol A2). */

/** An appointment as it travels: what to watch for, what to do then, and how long the user's channel would wait. */
export interface Appointment {
  readonly locator: Locator;
  /** The sealed penalty, opaque until a breach. */
  readonly encryptedBlob: Uint8Array;
  /** Blocks, a 32-bit unsigned integer. */
  readonly toSelfDelay: number;
}

/**
 * The bytes that a user signs to add an appointment: locator (16) || encrypted blob || to_self_delay (4, big-endian).
 * Throws a `RangeError` on a delay that is not a 32-bit unsigned integer.
 */
export const serializeAppointment = ({ locator, encryptedBlob, toSelfDelay }: Appointment): Uint8Array =>
  concat(fromHex(locator), encryptedBlob, be32(toSelfDelay));

/**
 * The id of one user's appointment: RIPEMD160(locator (16) || user id (33)), with no SHA-256 within.
 * It is the same for every version of that appointment, and differs between users who share a locator.
 */
export const appointmentId = (locator: Locator, userId: UserId): AppointmentId =>
  appointmentIdOf(concat(fromHex(locator), fromHex(userId)));

/** The same, of the locator's bytes with the user's behind them. */
export const appointmentIdOf = (locatorAndUser: Uint8Array): AppointmentId =>
  ripemd160(locatorAndUser) as AppointmentId;

/** In hex: by OpenSSL, several times as fast, where that still has it. */
const ripemd160: (bytes: Uint8Array) => string = hasRipemd()
  ? (bytes) => hash('ripemd160', bytes, 'hex')
  : (bytes) => toHex(crypto.ripemd160(bytes));

/** OpenSSL may list it and have it not. */
function hasRipemd(): boolean {
  try {
    return hash('ripemd160', '', 'hex') === '9c1185a5c5e9fc54612808977ee8f548b2258d31';
  } catch {
    return false;
  }
}

/**
 * The bytes that a user signs to ask for an appointment: the ASCII text `get appointment <locator>`.
 * `locatorText` is the locator as the request spells it, since a python client signs the spelling it sends.
 */
export const getAppointmentRequest = (locatorText: string): Uint8Array => utf8(`get appointment ${locatorText}`);

/** The bytes that a user signs to ask for a proof: the ASCII text `get proof <locator>`, the locator as the request spells it. */
export const getProofRequest = (locatorText: string): Uint8Array => utf8(`get proof ${locatorText}`);

/**
 * The bytes that a user signs to have an appointment deleted: the ASCII text `Delete appointment <locator>` of the BOLT13
 * draft, its locator in lower case, then a space and the tower's signature in the receipt for the version that is meant.
 * That can delete nothing that was added later, whoever sends it again. Without a receipt it is the draft's own text, which
 * is for whatever there is under the locator.
 */
export const deleteAppointmentRequest = (locator: Locator, receipt: string | null): Uint8Array =>
  utf8(`Delete appointment ${locator}${receipt === null ? '' : ` ${receipt}`}`);

/** The bytes that a user signs to ask for its subscription: the ASCII text `get subscription info`. */
export const getSubscriptionInfoRequest = (): Uint8Array => utf8('get subscription info');

/** The bytes of encrypted blob that one slot pays for (teos-protocol C1). */
export const SLOT_BYTES = 2048;

/**
 * The slots that an encrypted blob of so many bytes takes: one for every started 2048 bytes, none for an empty blob.
 * Throws a `RangeError` on a length that is not a whole number from 0.
 */
export function slotsFor(blobBytes: number): number {
  if (!Number.isSafeInteger(blobBytes) || blobBytes < 0) throw new RangeError(`not a length in bytes: ${blobBytes}`);
  return Math.ceil(blobBytes / SLOT_BYTES);
}
