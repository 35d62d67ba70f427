import type { TowerId, UserId } from '../../events/ids.js';
import { recoverSigner, signerIs } from '../../events/signing/message.js';
import { appointmentReceipt, type Dialect, registrationReceipt } from '../../events/signing/receipts.js';
import type { Came } from './teos-requests.js';

/**
 * What each client that exists concludes from what came back, by its own rules (teos-protocol A10, D1, D3, D4): the first
 * rule that holds is the client's conclusion. Where the sources leave a doubt, the rule is the harsher one.
 */

/** What becomes of an appointment that a client offers. */
export type Conclusion =
  | 'accepted'
  /** Kept, and offered again by itself. */
  | 'temporarily unreachable'
  /** Kept. The rust plugin registers again and retries by itself. */
  | 'subscription error'
  /** Filed, and never offered again. */
  | 'invalid'
  /** The tower is never trusted again. */
  | 'misbehaving'
  /** Hook error, endless loop, or the appointment lost. */
  | 'crash'
  /** Printed for the person at the keyboard. */
  | 'told';

/** What was asked of whom. */
export interface AddAsked {
  readonly towerId: TowerId;
  /** The user's signature of the appointment. */
  readonly signature: string;
}

interface Seen {
  readonly came: Came;
  /** 0 if there was no answer. */
  readonly status: number;
  /** The body, where it is a JSON object. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
  readonly code: unknown;
  readonly signer: string | undefined;
  readonly byTower: boolean;
}

type Rule = readonly [when: (seen: Seen) => boolean, then: Conclusion];

const isU32 = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
const noConnection = ({ came }: Seen) => came.kind === 'refused' || came.kind === 'timeout';
const noAnswer = ({ came }: Seen) => came.kind === 'closed';
const otherwise = () => true;

/** All five fields of a receipt, each of its type. */
const isReceipt = ({ json }: Seen) =>
  json !== undefined &&
  typeof json.locator === 'string' &&
  typeof json.signature === 'string' &&
  isU32(json.start_block) &&
  isU32(json.available_slots) &&
  isU32(json.subscription_expiry);

const isError = ({ json, code }: Seen) => typeof json?.error === 'string' && isU32(code) && code <= 255;

const pythonPlugin: readonly Rule[] = [
  [noConnection, 'temporarily unreachable'],
  [noAnswer, 'crash'],
  [({ status }) => status === 503, 'temporarily unreachable'],
  [({ status, code }) => status === 400 && code === -8, 'subscription error'],
  [({ status, code }) => status === 400 && Number.isInteger(code) && Number(code) >= -65, 'invalid'],
  [({ status }) => status !== 200 && status !== 404, 'crash'],
  [({ json }) => json === undefined, 'crash'],
  [({ json }) => !json?.signature || !isU32(json.start_block), 'misbehaving'],
  [({ byTower }) => !byTower, 'misbehaving'],
  [otherwise, 'accepted'],
];

const pythonCli: readonly Rule[] = [
  [noConnection, 'temporarily unreachable'],
  [noAnswer, 'temporarily unreachable'],
  [({ status, json }) => status !== 200 || json === undefined, 'told'],
  [({ json, byTower }) => !isU32(json?.start_block) || !byTower, 'misbehaving'],
  [otherwise, 'accepted'],
];

/** It never looks at the status, and tries the shape of a receipt before that of an error. */
const rustPlugin: readonly Rule[] = [
  [noConnection, 'temporarily unreachable'],
  [noAnswer, 'crash'],
  [(seen) => isReceipt(seen) && seen.signer === undefined, 'crash'],
  [(seen) => isReceipt(seen) && !seen.byTower, 'misbehaving'],
  [isReceipt, 'accepted'],
  [(seen) => isError(seen) && seen.code === 7, 'subscription error'],
  [isError, 'invalid'],
  [otherwise, 'crash'],
];

/** A client that exists: its generation, and its rules. */
export interface Client {
  readonly name: string;
  readonly dialect: Dialect;
  readonly rules: readonly Rule[];
}

export const clients = {
  pythonCli: { name: 'the python client', dialect: 'python', rules: pythonCli },
  pythonPlugin: { name: 'the python plugin', dialect: 'python', rules: pythonPlugin },
  rustPlugin: { name: 'the rust plugin', dialect: 'rust', rules: rustPlugin },
} as const satisfies Record<string, Client>;

export const plugins: readonly Client[] = [clients.pythonPlugin, clients.rustPlugin];

/** What a client concludes from the answer to an appointment. */
export function conclude({ dialect, rules }: Client, came: Came, asked: AddAsked): Conclusion {
  const seen = look(dialect, came, asked);
  return rules.find(([when]) => when(seen))?.[1] ?? 'crash';
}

function look(dialect: Dialect, came: Came, { towerId, signature: userSignature }: AddAsked): Seen {
  const status = came.kind === 'answer' ? came.status : 0;
  const json = came.kind === 'answer' ? objectIn(came.body) : undefined;
  const given = { came, status, json, code: json?.error_code };
  if (!isU32(json?.start_block) || typeof json.signature !== 'string')
    return { ...given, signer: undefined, byTower: false };
  const receipt = appointmentReceipt(dialect, { userSignature, startBlock: json.start_block });
  return {
    ...given,
    signer: recoverSigner(receipt, json.signature),
    byTower: signerIs(receipt, json.signature, towerId),
  };
}

export function objectIn(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? Object.fromEntries(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}

/** What a client knows of its subscription. */
export interface Known {
  readonly slots: number;
  readonly expiry: number;
}

/**
 * What a client learns from the answer to a registration; `failed` where it may ask again, `subscription error` where the
 * rust plugin never does: a receipt that is not the tower's, or no more slots or no later expiry than it knows of.
 */
export function concludeRegister(
  { dialect, rules }: Client,
  came: Came,
  {
    towerId,
    userId,
    known,
  }: { readonly towerId: TowerId; readonly userId: UserId; readonly known?: Known | undefined },
): Known | 'failed' | 'subscription error' {
  const json = came.kind === 'answer' ? objectIn(came.body) : undefined;
  if (!json || (dialect === 'python' && came.kind === 'answer' && came.status !== 200)) return 'failed';
  const {
    available_slots: slots,
    subscription_start: start,
    subscription_expiry: expiry,
    subscription_signature,
  } = json;
  if (!isU32(slots) || !isU32(expiry) || typeof subscription_signature !== 'string') return 'failed';
  if (dialect === 'rust' && (!isU32(start) || typeof json.user_id !== 'string')) return 'failed';
  const receipt = registrationReceipt(dialect, { userId, slots, start: isU32(start) ? start : 0, expiry });
  // The python plugin takes any key's signature.
  const isRight =
    rules === pythonPlugin
      ? recoverSigner(receipt, subscription_signature) !== undefined
      : signerIs(receipt, subscription_signature, towerId);
  const rises = dialect === 'python' || !known || (slots > known.slots && expiry > known.expiry);
  return isRight && rises ? { slots, expiry } : 'subscription error';
}
