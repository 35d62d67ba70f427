import type { Msg, NatsConnection, RequestOptions } from 'nats';
import { type AppointmentReceipt, TowerClient } from '../../actors/client/tower-client.js';
import type { Appointment } from '../../events/signing/appointment.js';
import type { User } from '../stage/users.js';

/** A request that the client library has built and signed beforehand, and whose answer it checks when told to. */
export interface Prepared {
  /** Sends it; resolves when the answer is here, unread. */
  send(): Promise<Msg>;
  /** Hands the answer to the client library, which verifies the receipt; rejects as `TowerClient.addAppointment` does. */
  check(answer: Msg): Promise<AppointmentReceipt>;
}

type Request = (subject: string, payload: Uint8Array | string, options: RequestOptions) => Promise<Msg>;

/**
 * Makes a user's requests ready, so that a load is not held up by its own signing and verifying: the client library
 * does both, but before the load and after it. It is given a connection that keeps a request instead of sending it.
 */
export function preparer(user: User): (appointment: Appointment) => Prepared {
  let send: (() => Promise<Msg>) | undefined;
  let deliver: ((answer: Msg) => void) | undefined;
  const request: Request = (subject, payload, options) => {
    const body = Buffer.from(payload as string);
    send = () => user.nc.request(subject, body, options);
    return new Promise((resolve) => {
      deliver = resolve;
    });
  };
  const client = new TowerClient({ request } as NatsConnection, user);
  return (appointment) => {
    const receipt = client.addAppointment(appointment);
    const [sendThis, deliverThis] = [send, deliver]; // set before `addAppointment` returned: it signs synchronously
    if (!sendThis || !deliverThis) throw new TypeError('the client library has not asked yet');
    return {
      send: sendThis,
      check: (answer) => {
        deliverThis(answer);
        return receipt;
      },
    };
  };
}
