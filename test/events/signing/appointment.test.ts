import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, toHex } from '../../../events/bytes.js';
import { Locator, UserId } from '../../../events/ids.js';
import {
  appointmentId,
  getAppointmentRequest,
  getSubscriptionInfoRequest,
  serializeAppointment,
  slotsFor,
} from '../../../events/signing/appointment.js';
import { recoverSigner, signMessage } from '../../../events/signing/message.js';
import { exchange } from '../../fixtures/teos-vectors.js';
import { agreed, curves } from './curves.js';

const userId = UserId.parse(exchange.userId);
const userSecret = fromHex(exchange.userSecret);

const signedByUser = (bytes: Uint8Array, signature: string) => {
  assert.equal(
    agreed((curve) => signMessage(bytes, userSecret, curve)),
    signature,
  );
  assert.equal(
    agreed((curve) => recoverSigner(bytes, signature, curve)),
    userId,
  );
};

describe(`appointments, with ${curves.length} curves`, () => {
  for (const dialect of ['python', 'rust'] as const) {
    const known = exchange[dialect];
    const locator = Locator.parse(known.locator);
    const appointment = { locator, encryptedBlob: fromHex(known.blob), toSelfDelay: known.toSelfDelay };

    test(`the ${dialect} client's appointment and its signature`, () => {
      assert.equal(toHex(serializeAppointment(appointment)), known.appointment);
      signedByUser(serializeAppointment(appointment), known.userSignature);
    });

    test(`the ${dialect} client's appointment id`, () => {
      assert.equal(appointmentId(locator, userId), known.appointmentId);
      assert.notEqual(appointmentId(locator, UserId.parse(exchange.towerId)), known.appointmentId);
    });

    test(`every field of the ${dialect} client's appointment is signed`, () => {
      for (const other of [
        { locator: Locator.parse('00'.repeat(16)) },
        { encryptedBlob: fromHex('00') },
        { toSelfDelay: 7 },
      ]) {
        assert.notEqual(recoverSigner(serializeAppointment({ ...appointment, ...other }), known.userSignature), userId);
      }
    });
  }

  test('an empty blob and the largest delay serialise, a larger one does not', () => {
    const locator = Locator.parse('ab'.repeat(16));
    const encryptedBlob = new Uint8Array(0);
    const bytes = serializeAppointment({ locator, encryptedBlob, toSelfDelay: 0xffffffff });
    assert.equal(toHex(bytes), `${locator}ffffffff`);
    for (const toSelfDelay of [2 ** 32, -1, 1.5]) {
      assert.throws(() => serializeAppointment({ locator, encryptedBlob, toSelfDelay }), RangeError);
    }
  });

  test('the requests', () => {
    signedByUser(getAppointmentRequest(exchange.python.locator), exchange.getAppointmentSignature);
    signedByUser(getSubscriptionInfoRequest(), exchange.getSubscriptionInfoSignature);
    assert.equal(Buffer.from(getAppointmentRequest('ABCD')).toString(), 'get appointment ABCD');
  });

  test('one slot for every started 2048 bytes', () => {
    for (const [bytes, slots] of [
      [0, 0],
      [1, 1],
      [2047, 1],
      [2048, 1],
      [2049, 2],
      [2116, 2],
      [4096, 2],
      [4097, 3],
      [65536, 32],
      [2 ** 40 + 1, 2 ** 29 + 1],
    ] as const) {
      assert.equal(slotsFor(bytes), slots, `${bytes} bytes`);
    }
    for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) assert.throws(() => slotsFor(bad), RangeError);
  });
});
