import type { Told } from './dialect.js';
import { type FieldLimits, firstOf, isRecord, shown } from './faults.js';
import type { Operation } from './requests.js';

/**
 * The rust tower's checks of a request's fields (teos-protocol A4 and A5): first whether the JSON has the right shape, as
 * its decoder (serde) says it, then what is in the fields.
 */

type Json = Readonly<Record<string, unknown>>;

const told = (code: number, text: string): Told => ({ status: 400, code, text });

export function fieldFault(operation: Operation, json: Json, limits: FieldLimits): Told {
  return faultOf[operation](json, limits) ?? told(6, 'The request is not in order');
}

const faultOf: Record<Operation, (json: Json, limits: FieldLimits) => Told | undefined> = {
  register: ({ user_id: key }) =>
    firstOf(
      () => hexShape('user_id', key),
      () => size('user_id', String(key), 33),
      () => told(5, 'Provided public key does not match expected format (33-byte compressed key)'),
    ),

  // An appointment may be absent for the decoder; it is missed afterwards.
  add_appointment: ({ appointment, signature }, limits) =>
    firstOf(
      () => appointmentShape(appointment ?? undefined),
      () => textShape('signature', signature),
      () => (isRecord(appointment) ? size('locator', String(appointment.locator), 16) : missing('appointment')),
      () => empty('signature', String(signature)),
      () => isRecord(appointment) && blobSize(String(appointment.encrypted_blob), limits),
    ),

  delete_appointment: (json) => lookUpFault(json) ?? receiptFault(json),
  get_appointment: (json) => lookUpFault(json),
  get_proof: (json) => lookUpFault(json),

  get_subscription_info: ({ signature }) =>
    firstOf(
      () => textShape('signature', signature),
      () => empty('signature', String(signature)),
    ),
};

const lookUpFault = ({ locator, signature }: Json): Told | undefined =>
  firstOf(
    () => hexShape('locator', locator),
    () => textShape('signature', signature),
    () => size('locator', String(locator), 16),
    () => empty('signature', String(signature)),
  );

const receiptFault = ({ receipt }: Json): Told | undefined =>
  firstOf(
    () => typeof receipt !== 'string' && wrongType(receipt, 'a string'),
    () => told(5, "`receipt` is not the signature of a receipt of the tower's"),
  );

function appointmentShape(appointment: unknown): Told | undefined {
  if (appointment === undefined) return undefined;
  if (!isRecord(appointment)) return wrongType(appointment, 'struct Appointment');
  const { locator, encrypted_blob: blob, to_self_delay: delay } = appointment;
  return firstOf(
    () => hexShape('locator', locator),
    () => hexShape('encrypted_blob', blob),
    () => delayShape(delay),
  );
}

const missing = (field: string): Told => told(1, `missing field \`${field}\``);

const empty = (field: string, text: string): Told | undefined =>
  text === '' ? told(2, `\`${field}\` field is empty`) : undefined;

function textShape(field: string, value: unknown): Told | undefined {
  if (value === undefined) return missing(field);
  return typeof value === 'string' ? undefined : wrongType(value, 'a string');
}

function hexShape(field: string, value: unknown): Told | undefined {
  if (typeof value !== 'string') return textShape(field, value);
  if (value.length % 2 === 1) return told(5, 'Odd number of digits');
  const at = value.search(/[^0-9a-fA-F]/);
  return at < 0 ? undefined : told(5, `Invalid character '${value[at]}' at position ${at}`);
}

function delayShape(value: unknown): Told | undefined {
  if (value === undefined) return missing('to_self_delay');
  if (!Number.isInteger(value)) return wrongType(value, 'u32');
  const isU32 = Number(value) >= 0 && Number(value) <= 0xffffffff;
  return isU32 ? undefined : told(6, `invalid value: integer \`${value}\`, expected u32`);
}

function wrongType(value: unknown, expected: string): Told {
  return told(3, `invalid type: ${describe(value)}, expected ${expected}`);
}

/** A JSON value as serde speaks of it. */
function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return `string ${JSON.stringify(shown(value))}`;
  if (typeof value === 'boolean') return `boolean \`${value}\``;
  if (typeof value === 'number') return `${Number.isInteger(value) ? 'integer' : 'floating point'} \`${value}\``;
  return Array.isArray(value) ? 'sequence' : 'map';
}

function size(field: string, hex: string, expected: number): Told | undefined {
  if (hex === '') return empty(field, hex);
  const received = hex.length / 2;
  return received === expected
    ? undefined
    : told(4, `Wrong \`${field}\` field size. Expected ${expected}, received ${received}`);
}

/** The rust tower takes an empty blob, for no slot at all; and it has no limit but that of the whole request. */
function blobSize(hex: string, { maxBlobBytes }: FieldLimits): Told | undefined {
  const received = hex.length / 2;
  if (received <= maxBlobBytes) return empty('encrypted_blob', hex);
  return told(34, `Wrong \`encrypted_blob\` field size. Expected ${maxBlobBytes} at the most, received ${received}`);
}
