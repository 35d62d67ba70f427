import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkBatch,
  RIGHT,
  SignatureBatch,
  type SignedAcceptance,
  WRONG_ID,
  WRONG_SIGNATURE,
} from '../../../actors/auditor/signature-batch.js';
import { fromHex, toHex, utf8 } from '../../../events/bytes.js';
import { type AppointmentId, Height, Locator, TowerId, UserId } from '../../../events/ids.js';
import { appointmentId, serializeAppointment } from '../../../events/signing/appointment.js';
import { signMessage } from '../../../events/signing/message.js';
import { appointmentReceipt } from '../../../events/signing/receipts.js';
import { secp256k1 } from '../../../events/signing/secp256k1.js';
import { pseudoRandom } from '../../events/signing/curves.js';

const [user, tower] = [pseudoRandom('user', 1), pseudoRandom('tower', 1)];
const userId = UserId.parse(toHex(secp256k1.publicKey(user)));
const towerId = TowerId.parse(toHex(secp256k1.publicKey(tower)));
const locator = Locator.parse(toHex(pseudoRandom('locator', 1)).slice(0, 32));
const appointment = { locator, encryptedBlob: pseudoRandom('blob', 1), toSelfDelay: 144 };
const userSignature = signMessage(serializeAppointment(appointment), user);
const startBlock = Height.parse(110);

const accepted = (dialect: 'python' | 'rust', change: Partial<SignedAcceptance> = {}): SignedAcceptance => ({
  dialect,
  startBlock,
  userSignature,
  receiptSignature: signMessage(appointmentReceipt(dialect, { userSignature, startBlock }), tower),
  locator,
  userId,
  appointmentId: appointmentId(locator, userId),
  ...change,
});

/** No signature: a character that is none of zbase32, in the text of one. */
const broken = (signature: string): string => `${signature.slice(0, 50)}0${signature.slice(51)}`;

test('each signature of a batch is judged by itself, whatever the one before it was', () => {
  const batch = new SignatureBatch(new ArrayBuffer(64));
  const wanted: number[] = [];
  const add = (result: number, put: () => void) => {
    put();
    wanted.push(result);
  };
  for (const dialect of ['python', 'rust'] as const) {
    const right = accepted(dialect);
    add(RIGHT, () => batch.acceptance(right));
    add(WRONG_SIGNATURE, () => batch.acceptance({ ...right, receiptSignature: broken(right.receiptSignature) }));
    add(WRONG_SIGNATURE, () => batch.acceptance({ ...right, userSignature: broken(userSignature) }));
    add(WRONG_SIGNATURE, () => batch.acceptance({ ...right, receiptSignature: userSignature }));
    add(WRONG_SIGNATURE, () => batch.acceptance({ ...right, startBlock: Height.parse(111) }));
    add(WRONG_ID, () => batch.acceptance({ ...right, appointmentId: 'ab'.repeat(20) as AppointmentId }));
    add(RIGHT, () => batch.acceptance(right));
    add(RIGHT, () => batch.appointment(appointment, userSignature, userId));
    add(WRONG_SIGNATURE, () => batch.appointment(appointment, broken(userSignature), userId));
    add(WRONG_SIGNATURE, () => batch.appointment({ ...appointment, toSelfDelay: 145 }, userSignature, userId));
    add(WRONG_SIGNATURE, () => batch.appointment(appointment, userSignature, UserId.parse(towerId)));
  }
  const message = utf8('deletion');
  add(RIGHT, () => batch.message(message, signMessage(message, tower), towerId));
  add(WRONG_SIGNATURE, () => batch.message(message, signMessage(message, user), towerId));
  // One for which there has to be more memory.
  const long = new Uint8Array(1 << 16).fill(7);
  add(RIGHT, () => batch.message(long, signMessage(long, user), userId));
  add(RIGHT, () => batch.message(fromHex(''), signMessage(fromHex(''), user), userId));
  assert.equal(batch.count, wanted.length);
  assert.deepEqual([...checkBatch(batch.take(), towerId)], wanted);
});
