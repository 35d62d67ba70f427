import pino from 'pino';
import type { Answer } from '../../../actors/gateway/answers.js';
import type { FieldLimits } from '../../../actors/gateway/faults.js';
import type { GatekeeperFace } from '../../../actors/gateway/gatekeeper-face.js';
import { type Caller, Gateway, type GatewayNeeds } from '../../../actors/gateway/gateway.js';
import { RequestLog } from '../../../actors/gateway/request-log.js';
import { unmeasured } from '../../../actors/meter.js';
import { fromHex, utf8 } from '../../../events/bytes.js';
import { UserId } from '../../../events/ids.js';
import { recoverSigner } from '../../../events/signing/message.js';
import type { Dialect } from '../../../events/signing/receipts.js';
import { exchange } from '../../fixtures/teos-vectors.js';
import { accepted, deleted, locator, registered, subscribed, watched } from './granted.js';

/** A Gateway without a tower behind it, and requests of the vectors' user. */

export const user = UserId.parse(exchange.userId);
const { python, getAppointmentSignature, getSubscriptionInfoSignature } = exchange;

/** Whom a door takes the caller for, while the tower does not know the user. */
export const asPython: Caller = { dialect: 'python', certain: false };
export const asRust: Caller = { dialect: 'rust', certain: false };

export const limits: FieldLimits = { maxBlobBytes: 2048, minToSelfDelay: 20 };

export const json = (value: unknown) => utf8(JSON.stringify(value));
export const add = ({ locator, blob, toSelfDelay, userSignature: signature }: typeof python) =>
  json({ appointment: { locator, encrypted_blob: blob, to_self_delay: toSelfDelay }, signature });
export const get = (text: string = locator) => json({ locator: text, signature: getAppointmentSignature });
export const info = json({ signature: getSubscriptionInfoSignature });

/** A Gateway before a Gatekeeper that grants everything, but for what a test says; and what that Gatekeeper was asked. */
export function gateway(face: Partial<GatekeeperFace> = {}, needs: Partial<GatewayNeeds> = {}) {
  const asked: unknown[] = [];
  const note =
    <Args extends unknown[], Result>(method: (...args: Args) => Result) =>
    (...args: Args): Result => {
      asked.push(args);
      return method(...args);
    };
  const gatekeeper: GatekeeperFace = {
    register: note(face.register ?? (async () => registered)),
    addAppointment: note(face.addAppointment ?? (async () => accepted)),
    deleteAppointment: note(face.deleteAppointment ?? (async () => deleted)),
    appointment: note(face.appointment ?? (async () => watched)),
    subscription: note(face.subscription ?? (async () => subscribed)),
    level: face.level ?? (async () => {}),
  };
  const dialects = new Map<UserId, Dialect>([[user, 'rust']]);
  return {
    asked,
    dialects,
    to: new Gateway({
      recover: async (message, signature) => recoverSigner(message, signature),
      gatekeeper: () => gatekeeper,
      passOn: async () => ({ kind: 'unavailable', why: 'nobody else is there' }),
      dialectOf: (userId) => dialects.get(userId),
      prove: async () => ({ kind: 'proof-unavailable' }),
      blob: async () => fromHex('aabb'),
      isLate: () => false,
      limiter: { ofSource: () => undefined, ofUser: () => undefined },
      limits,
      requests: new RequestLog(pino({ level: 'silent' }), unmeasured),
      log: pino({ level: 'silent' }),
      ...needs,
    }),
  };
}

/** Status, code and reason of a refusal. */
export const no = ({ status, body, reason }: Answer) =>
  `${status}/${'error_code' in body ? body.error_code : '-'} ${reason}`;
