import { setImmediate } from 'node:timers/promises';
import type { Courier, Reply } from '../../actors/client/courier.js';
import { type AppointmentReceipt, TowerClient } from '../../actors/client/tower-client.js';
import type { Appointment } from '../../events/signing/appointment.js';
import { randomAppointment, type User } from '../stage/users.js';
import type { Way } from './way.js';

/** A request that the client library has built and signed beforehand, and whose answer it checks when told to. */
export interface Prepared {
  /** Sends it, by the user's own way or another; resolves when the answer is here, unread. */
  send(way?: Way): Promise<() => Reply>;
  /** Hands the answer to the client library, which verifies the receipt; rejects as `TowerClient.addAppointment` does. */
  check(answer: () => Reply): Promise<AppointmentReceipt>;
}

/**
 * Makes a user's requests ready, so that a load is not held up by its own signing and verifying: the client library
 * does both, but before the load and after it. It is given a courier that keeps a request instead of carrying it.
 */
export function preparer(user: User): (appointment: Appointment) => Prepared {
  let send: Prepared['send'] | undefined;
  let deliver: ((answer: Reply) => void) | undefined;
  const keeper: Courier = {
    ask(operation, request) {
      const body = Buffer.from(JSON.stringify(request));
      send = (way = user.way) => way.send(operation, body);
      return new Promise((resolve) => {
        deliver = resolve;
      });
    },
  };
  const client = new TowerClient(keeper, user);
  return (appointment) => {
    const receipt = client.addAppointment(appointment);
    const [sendThis, deliverThis] = [send, deliver]; // set before `addAppointment` returned: it signs synchronously
    if (!sendThis || !deliverThis) throw new TypeError('the client library has not asked yet');
    return {
      send: sendThis,
      async check(answer) {
        deliverThis(answer());
        return receipt;
      },
    };
  };
}

/** So many signed requests, the users by turns, with blobs of noise. */
export async function prepare(users: readonly User[], count: number, blobBytes: number): Promise<Prepared[]> {
  const preparers = users.map(preparer);
  const requests: Prepared[] = [];
  while (requests.length < count) {
    for (const prepareOne of preparers) requests.push(prepareOne(randomAppointment(blobBytes)));
    await setImmediate(); // a signal may want to be heard
  }
  return requests;
}
