import {
  type Operation,
  parseAddAppointment,
  parseDeleteAppointment,
  parseGetAppointment,
  parseGetProof,
  parseGetSubscriptionInfo,
  parseRegister,
} from '../../../actors/gateway/requests.js';
import { exchange } from '../../fixtures/teos-vectors.js';

/** Each request with one that is in order, of the rust generation, and how it is parsed. */

const { userId, python, getAppointmentSignature, getSubscriptionInfoSignature } = exchange;
const { locator, blob, toSelfDelay, userSignature } = python;

/** The most bytes that a blob may have here. */
export const MOST = 64;
export const appointment = { locator, encrypted_blob: blob, to_self_delay: toSelfDelay };

type Json = Record<string, unknown>;

export const requests = {
  register: { parse: (json: Json) => parseRegister(json, 'rust'), good: { user_id: userId } },
  add_appointment: {
    parse: (json: Json) => parseAddAppointment(json, MOST),
    good: { appointment, signature: userSignature },
  },
  delete_appointment: {
    parse: parseDeleteAppointment,
    good: { locator, receipt: python.receiptSignature, signature: userSignature },
  },
  get_appointment: { parse: parseGetAppointment, good: { locator, signature: getAppointmentSignature } },
  get_proof: { parse: parseGetProof, good: { locator, signature: getAppointmentSignature } },
  get_subscription_info: { parse: parseGetSubscriptionInfo, good: { signature: getSubscriptionInfoSignature } },
} satisfies Record<Operation, unknown>;

/** A request in order, but for one field (of the appointment, if it has one); `undefined` leaves the field out. */
export function withField(operation: Operation, field: string, value: unknown): Json {
  const { good } = requests[operation];
  const inAppointment = operation === 'add_appointment' && field in appointment;
  const changed = inAppointment
    ? { ...good, appointment: { ...appointment, [field]: value } }
    : { ...good, [field]: value };
  const json: unknown = JSON.parse(JSON.stringify(changed));
  return Object.fromEntries(Object.entries(Object(json)));
}
