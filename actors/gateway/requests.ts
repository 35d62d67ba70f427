import { z } from 'zod';
import { bytesOfHex, fromHex, isHex } from '../../events/bytes.js';
import { Locator, UserId } from '../../events/ids.js';
import { parseJson } from '../../events/json.js';
import type { Dialect } from '../../events/signing/receipts.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import type { Fault } from './faults.js';

/**
 * Requests as they arrive: bounded before they are parsed, every field checked, unknown fields ignored (teos-protocol A4
 * to A7). What is in order is the same for both generations; what a faulty request is answered with is not, so a fault
 * only says where to look.
 */

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault };

/** How long a request other than add_appointment may be, in bytes. */
const SHORT = 1024;
/** What an add_appointment request may be longer than its blob's hex. */
const ROOM = 1024;

/** The largest blob taken unless the operator says otherwise, in bytes. */
export const MAX_BLOB_BYTES = 65_536;

export const operations = [
  'register',
  'add_appointment',
  'delete_appointment',
  'get_appointment',
  'get_proof',
  'get_subscription_info',
] as const;
export type Operation = (typeof operations)[number];

/** How many bytes a request may have. */
export const mostBytes = (operation: Operation, maxBlobBytes: number): number =>
  operation === 'add_appointment' ? 2 * maxBlobBytes + ROOM : SHORT;

const text = z.string().min(1);
const hex = text.refine(isHex);
/** What `isHex` asks for, for whoever reads the shapes as JSON Schema. */
const ofHex = { pattern: '^([0-9a-fA-F]{2})+$' };
const hexOf = (bytes: number) => hex.length(2 * bytes).meta(ofHex);
const u32 = z.number().int().min(0).max(0xffffffff);
const HEX_LOCATOR = /^[0-9a-f]{32}$/i;
const locator = z
  .string()
  .regex(HEX_LOCATOR)
  .transform((value) => value.toLowerCase() as Locator);

const key = hexOf(33)
  .transform((value) => value.toLowerCase())
  .refine((value) => UserId.safeParse(value).success && secp256k1.isValidPublicKey(fromHex(value)))
  .transform((value) => UserId.parse(value));

export interface RegisterRequest {
  readonly userId: UserId;
  /** By the name of the field: `public_key` is the python generation's, `user_id` the rust generation's. */
  readonly dialect: Dialect;
  /** The token that it carries; whether it is one is not asked here. */
  readonly invite?: string | undefined;
}

export interface AddAppointmentRequest {
  readonly locator: Locator;
  readonly blob: Uint8Array;
  readonly toSelfDelay: number;
  readonly signature: string;
}

export interface GetAppointmentRequest {
  readonly locator: Locator;
  /** As it was spelt, since that is what a python client signs. */
  readonly locatorText: string;
  readonly signature: string;
}

/** The field of a registration that holds the user's key. */
export const keyField = (dialect: Dialect): 'public_key' | 'user_id' =>
  dialect === 'python' ? 'public_key' : 'user_id';

/** The generation that a registration is of, by the key's name; undefined if it has neither. */
export function dialectOfRegistration(json: Readonly<Record<string, unknown>>): Dialect | undefined {
  if ('user_id' in json) return 'rust';
  return 'public_key' in json ? 'python' : undefined;
}

export function parseRegister(json: Record<string, unknown>, dialect: Dialect): Parsed<RegisterRequest> {
  const parsed = key.safeParse(json[keyField(dialect)]);
  if (!parsed.success) return faulty(json);
  const { invite } = json;
  return { ok: true, value: { userId: parsed.data, dialect, ...(typeof invite === 'string' && { invite }) } };
}

/** The longest field by far, read once. */
const blob = text.meta(ofHex).transform(bytesOfHex).pipe(z.instanceof(Uint8Array));

const AddAppointment = z.object({
  appointment: z.object({ locator, encrypted_blob: blob, to_self_delay: u32 }),
  signature: text,
});

export function parseAddAppointment(
  json: Record<string, unknown>,
  maxBlobBytes: number,
): Parsed<AddAppointmentRequest> {
  const parsed = AddAppointment.safeParse(json);
  if (!parsed.success || parsed.data.appointment.encrypted_blob.length > maxBlobBytes) return faulty(json);
  const { appointment, signature } = parsed.data;
  const { locator, encrypted_blob: blob, to_self_delay: toSelfDelay } = appointment;
  return { ok: true, value: { locator, blob, toSelfDelay, signature } };
}

const GetAppointment = z.object({ locator: hexOf(16), signature: text });

export function parseGetAppointment(json: Record<string, unknown>): Parsed<GetAppointmentRequest> {
  const parsed = GetAppointment.safeParse(json);
  if (!parsed.success) return faulty(json);
  const { locator: locatorText, signature } = parsed.data;
  return { ok: true, value: { locator: Locator.parse(locatorText.toLowerCase()), locatorText, signature } };
}

export interface DeleteAppointmentRequest {
  readonly locator: Locator;
  /** The signature of the receipt that it names; null if it names none. */
  readonly receipt: string | null;
  readonly signature: string;
}

const DeleteAppointment = z.object({
  locator,
  receipt: z
    .string()
    .regex(/^[a-km-uw-z13-9]{104}$/)
    .nullish(),
  signature: text,
});

export function parseDeleteAppointment(json: Record<string, unknown>): Parsed<DeleteAppointmentRequest> {
  const parsed = DeleteAppointment.safeParse(json);
  if (!parsed.success) return faulty(json);
  const { receipt = null, ...rest } = parsed.data;
  return { ok: true, value: { ...rest, receipt } };
}

const count = z.number().int().min(1);
const GetProof = z.object({ locator: hexOf(16), signature: text, size: count.optional(), from: count.optional() });

export interface GetProofRequest extends GetAppointmentRequest {
  readonly size?: number | undefined;
  readonly from?: number | undefined;
}

export function parseGetProof(json: Record<string, unknown>): Parsed<GetProofRequest> {
  const parsed = GetProof.safeParse(json);
  if (!parsed.success) return faulty(json);
  const { locator: locatorText, ...rest } = parsed.data;
  return { ok: true, value: { locator: Locator.parse(locatorText.toLowerCase()), locatorText, ...rest } };
}

const GetSubscriptionInfo = z.object({ signature: text });

export function parseGetSubscriptionInfo(json: Record<string, unknown>): Parsed<{ readonly signature: string }> {
  const parsed = GetSubscriptionInfo.safeParse(json);
  return parsed.success ? { ok: true, value: parsed.data } : faulty(json);
}

/** What a registration is made of, of either generation. */
const invite = z.string().optional();
const Register = z.union([
  z.object({ [keyField('rust')]: key, invite }),
  z.object({ [keyField('python')]: key, invite }),
]);

/** The shape of each request, to be described to whoever writes a client. */
export const shapes: Readonly<Record<Operation, z.ZodType>> = {
  register: Register,
  add_appointment: AddAppointment,
  delete_appointment: DeleteAppointment,
  get_appointment: GetAppointment,
  get_proof: GetProof,
  get_subscription_info: GetSubscriptionInfo,
};

const faulty = (json: Record<string, unknown>): Parsed<never> => ({ ok: false, fault: { kind: 'fields', json } });

/** The object in a request's bytes. */
export function objectOf(body: Uint8Array, most = SHORT): Parsed<Record<string, unknown>> {
  if (body.length > most) return { ok: false, fault: { kind: 'too-long', most } };
  try {
    const value: unknown = parseJson(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { ok: true, value: Object.fromEntries(Object.entries(value)) };
    return { ok: false, fault: { kind: 'not-an-object' } };
  } catch {
    return { ok: false, fault: { kind: 'not-json' } };
  }
}
