import { type Msg, type NatsConnection, NatsError } from 'nats';
import * as wire from '../wire.js';
import { type ClientOperation, type Courier, NotAnsweredError, type Reply } from './courier.js';

const SUBJECTS: Readonly<Record<ClientOperation, string>> = {
  register: wire.publicSubjects.register,
  add_appointment: wire.publicSubjects.addAppointment,
  delete_appointment: wire.publicSubjects.deleteAppointment,
  get_appointment: wire.publicSubjects.getAppointment,
  get_proof: wire.publicSubjects.getProof,
  get_subscription_info: wire.publicSubjects.getSubscriptionInfo,
  info: wire.publicSubjects.info,
};

/** To a tower over NATS; the connection stays the caller's. */
export function overNats(nc: NatsConnection): Courier {
  return {
    async ask(operation, body, timeoutMs) {
      try {
        return replyOf(await nc.request(SUBJECTS[operation], JSON.stringify(body), { timeout: timeoutMs }));
      } catch (cause) {
        if (cause instanceof NotAnsweredError) throw cause;
        const nobody = cause instanceof NatsError && cause.code === '503';
        throw new NotAnsweredError(nobody ? 'no tower listens' : 'no answer', nobody, { cause });
      }
    },
  };
}

/** An answer of the NATS door. Throws `NotAnsweredError` if it is not JSON. */
export function replyOf(message: Msg): Reply {
  const status = Number(message.headers?.get(wire.ERROR_CODE_HEADER) || 200);
  try {
    const json: unknown = message.json();
    return { status, json, reason: wire.ErrorAnswer.safeParse(json).data?.reason };
  } catch (cause) {
    throw new NotAnsweredError('the answer is not JSON', false, { cause });
  }
}
