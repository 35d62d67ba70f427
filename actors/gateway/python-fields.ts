import { isHex } from '../../events/bytes.js';
import type { Told } from './dialect.js';
import { type FieldLimits, firstOf, isRecord, shown } from './faults.js';

/** The python tower's checks of a request's fields, in its order (teos-protocol A4 and A5); each gives what it says. */

type Json = Readonly<Record<string, unknown>>;

export function registerFault({ public_key: key }: Json): Told {
  const isFalsy = !key || (Array.isArray(key) && key.length === 0) || (isRecord(key) && Object.keys(key).length === 0);
  if (isFalsy) return { status: 400, code: -33, text: 'public_key not found in register message' };
  const text = 'Provided public key does not match expected format (33-byte hex string)';
  return { status: 400, code: -34, text };
}

/** Undefined if nothing is wrong but the signature. */
export function addAppointmentFault({ appointment }: Json, limits: FieldLimits): Told | undefined {
  if (appointment === undefined || appointment === null) return rejected(-1, 'empty appointment received');
  if (!isRecord(appointment)) return rejected(-7, 'wrong appointment format');
  const { locator, to_self_delay: delay, encrypted_blob: blob } = appointment;
  return firstOf(
    () => typeFault('locator', locator, 'string'),
    () => locatorFault(String(locator)),
    () => typeFault('to_self_delay', delay, 'int'),
    () => delayFault(Number(delay), limits),
    () => typeFault('encrypted_blob', blob, 'string'),
    () => blobFault(String(blob), limits),
  );
}

const rejected = (code: number, text: string): Told => ({ status: 400, code, text: `appointment rejected. ${text}` });

function typeFault(field: string, value: unknown, type: 'string' | 'int'): Told | undefined {
  if (value === undefined || value === null) return rejected(-1, `empty ${field} received`);
  const isRight = type === 'string' ? typeof value === 'string' : Number.isInteger(value);
  return isRight ? undefined : rejected(-2, `wrong ${field} data type (<class '${pythonType(value)}'>)`);
}

/** A JSON value's type by its python name. */
function pythonType(value: unknown): string {
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return Array.isArray(value) ? 'list' : 'dict';
}

function locatorFault(locator: string): Told | undefined {
  const size = Array.from(locator).length;
  if (size !== 32) return rejected(-3, `wrong locator size (${size})`);
  return isHex(locator) ? undefined : rejected(-4, `wrong locator format (${locator})`);
}

/** The python tower lets 2^32 pass, and fails on it later; here it is too big. */
function delayFault(delay: number, { minToSelfDelay: least }: FieldLimits): Told | undefined {
  const most = delay > 2 ** 32 ? 2 ** 32 : 2 ** 32 - 1;
  if (delay > most) return rejected(-6, `to_self_delay must fit the transaction nLockTime field (${delay} > ${most})`);
  return delay < least ? delayTooSmall(delay, least) : undefined;
}

export const delayTooSmall = (delay: number, least: number): Told =>
  rejected(-5, `to_self_delay too small. The to_self_delay should be at least ${least} (current: ${delay})`);

/** The python tower lets an odd number of digits pass, and fails on it later; and it takes a blob of any size. */
function blobFault(blob: string, { maxBlobBytes }: FieldLimits): Told | undefined {
  if (blob === '' || !isHex(blob)) return rejected(-4, `wrong encrypted_blob format (${shown(blob)})`);
  const size = blob.length / 2;
  return size > maxBlobBytes
    ? rejected(-6, `encrypted_blob is too big: at most ${maxBlobBytes} bytes, received ${size}`)
    : undefined;
}
