import { randomBytes } from 'node:crypto';
import { serializeAppointment } from '../../events/signing/appointment.js';
import { recoverSigner, signMessage } from '../../events/signing/message.js';
import { appointmentReceipt } from '../../events/signing/receipts.js';
import { randomAppointment } from '../stage/users.js';

/**
 * How many appointments a second one core can recover the user of and sign the receipt of, with the very functions of
 * the tower and nothing else: what no tower that does this on one core can exceed.
 */
export function signingRate(blobBytes: number, seconds: number): number {
  const [user, tower] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(32))];
  const requests = Array.from({ length: 64 }, () => {
    const bytes = serializeAppointment(randomAppointment(blobBytes));
    return { bytes, userSignature: signMessage(bytes, user) };
  });
  const once = () => {
    for (const { bytes, userSignature } of requests) {
      if (!recoverSigner(bytes, userSignature)) throw new Error('a signature of our own does not recover');
      signMessage(appointmentReceipt('rust', { userSignature, startBlock: 110 }), tower);
    }
  };
  for (let i = 0; i < 10; i++) once();
  const begun = performance.now();
  let done = 0;
  for (; performance.now() - begun < seconds * 1000; done += requests.length) once();
  return done / ((performance.now() - begun) / 1000);
}
