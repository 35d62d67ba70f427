import { z } from 'zod';
import { fromHex, isHex } from '../../events/bytes.js';
import { Locator, UserId } from '../../events/ids.js';
import type { Dialect } from '../../events/signing/receipts.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';

/** Requests as they arrive: bounded before they are parsed, every field checked, unknown fields ignored (teos-protocol A4 to A7). */

/** What is wrong with a request, and with which of its fields. */
export interface Problem {
  readonly field: string;
  readonly kind:
    | 'not-json'
    | 'not-an-object'
    | 'too-long'
    | 'missing'
    | 'empty'
    | 'wrong-type'
    | 'wrong-size'
    | 'wrong-format'
    | 'too-small'
    | 'too-big';
  /** A sentence for people. */
  readonly text: string;
}

type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

/** How long a request other than add_appointment may be, in bytes. */
const SHORT = 1024;
/** What an add_appointment request may be longer than its blob's hex. */
const ROOM = 1024;

/** The largest blob taken unless the operator says otherwise, in bytes. */
export const MAX_BLOB_BYTES = 65_536;

const sayType = (issue: { input?: unknown }) =>
  issue.input === undefined || issue.input === null ? 'missing' : 'wrong-type';
const text = () => z.string({ error: sayType }).min(1, { error: 'empty', abort: true });
const hex = () => text().refine(isHex, { error: 'wrong-format', abort: true });
const hexOf = (bytes: number) =>
  text()
    .refine((value) => value.length === 2 * bytes, { error: 'wrong-size', abort: true })
    .refine(isHex, { error: 'wrong-format', abort: true });
const object = <Shape extends z.ZodRawShape>(shape: Shape) => z.object(shape, { error: sayType });
const u32 = z
  .number({ error: sayType })
  .refine(Number.isInteger, { error: 'wrong-type', abort: true })
  .min(0, { error: 'too-small' })
  .max(0xffffffff, { error: 'too-big' });

const key = () =>
  hexOf(33)
    .transform((value) => value.toLowerCase())
    .refine((value) => UserId.safeParse(value).success && secp256k1.isValidPublicKey(fromHex(value)), {
      error: 'wrong-format',
    })
    .transform((value) => UserId.parse(value));

const locator = hexOf(16).transform((value) => Locator.parse(value.toLowerCase()));

export interface RegisterRequest {
  readonly userId: UserId;
  /** By the name of the field: `public_key` is the python generation's, `user_id` the rust generation's. */
  readonly dialect: Dialect;
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

export function parseRegister(body: Uint8Array): Parsed<RegisterRequest> {
  const json = parseJson(body, SHORT);
  if (!json.ok) return json;
  const dialect: Dialect = 'public_key' in json.value && !('user_id' in json.value) ? 'python' : 'rust';
  const field = dialect === 'python' ? 'public_key' : 'user_id';
  const parsed = check(object({ [field]: key() }), json.value);
  if (!parsed.ok) return parsed;
  const userId = parsed.value[field];
  return userId === undefined ? missing(field) : { ok: true, value: { userId, dialect } };
}

const missing = (field: string): Parsed<never> => ({
  ok: false,
  problem: { field, kind: 'missing', text: say(field, 'missing') },
});

const AddAppointment = object({
  appointment: object({ locator, encrypted_blob: hex(), to_self_delay: u32 }),
  signature: text(),
});

export function parseAddAppointment(body: Uint8Array, maxBlobBytes: number): Parsed<AddAppointmentRequest> {
  const json = parseJson(body, 2 * maxBlobBytes + ROOM);
  const parsed = json.ok ? check(AddAppointment, json.value) : json;
  if (!parsed.ok) return parsed;
  const { appointment, signature } = parsed.value;
  const blob = fromHex(appointment.encrypted_blob);
  if (blob.length > maxBlobBytes)
    return tooBig('encrypted_blob', `at most ${maxBlobBytes} bytes, received ${blob.length}`);
  return { ok: true, value: { locator: appointment.locator, blob, toSelfDelay: appointment.to_self_delay, signature } };
}

const tooBig = (field: string, detail: string): Parsed<never> => ({
  ok: false,
  problem: { field, kind: 'too-big', text: `${field} is too big: ${detail}` },
});

const GetAppointment = object({ locator: hexOf(16), signature: text() });

export function parseGetAppointment(body: Uint8Array): Parsed<GetAppointmentRequest> {
  const json = parseJson(body, SHORT);
  const parsed = json.ok ? check(GetAppointment, json.value) : json;
  if (!parsed.ok) return parsed;
  const { locator: locatorText, signature } = parsed.value;
  return { ok: true, value: { locator: Locator.parse(locatorText.toLowerCase()), locatorText, signature } };
}

const GetSubscriptionInfo = object({ signature: text() });

export function parseGetSubscriptionInfo(body: Uint8Array): Parsed<{ readonly signature: string }> {
  const json = parseJson(body, SHORT);
  return json.ok ? check(GetSubscriptionInfo, json.value) : json;
}

/** The object in a request's bytes. */
export function parseJson(body: Uint8Array, most = SHORT): Parsed<Record<string, unknown>> {
  const wrong = (kind: Problem['kind'], text: string): Parsed<never> => ({
    ok: false,
    problem: { field: 'request', kind, text },
  });
  if (body.length > most) return wrong('too-long', `the request has ${body.length} bytes, at most ${most} are taken`);
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { ok: true, value: Object.fromEntries(Object.entries(value)) };
    return wrong('not-an-object', 'the request is not a JSON object');
  } catch {
    return wrong('not-json', 'the request is not JSON');
  }
}

function check<T>(schema: z.ZodType<T>, value: unknown): Parsed<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const issue = parsed.error.issues[0];
  const field = String(issue?.path.at(-1) ?? 'request');
  const kind = (issue?.message ?? 'wrong-format') as Problem['kind'];
  return { ok: false, problem: { field, kind, text: say(field, kind) } };
}

function say(field: string, kind: Problem['kind']): string {
  switch (kind) {
    case 'missing':
      return `missing field \`${field}\``;
    case 'empty':
      return `\`${field}\` field is empty`;
    case 'wrong-type':
      return `\`${field}\` is of the wrong type`;
    case 'wrong-size':
      return `\`${field}\` is of the wrong size`;
    default:
      return `\`${field}\` is not well formed (${kind})`;
  }
}
