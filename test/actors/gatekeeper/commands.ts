import {
  type AddAppointment,
  type EndAppointment,
  type Outdate,
  type Register,
  type Sign,
  userDecider,
} from '../../../actors/gatekeeper/decisions.js';
import type { DeleteAppointment } from '../../../actors/gatekeeper/deletion.js';
import { fromHex } from '../../../events/bytes.js';
import { UserId } from '../../../events/ids.js';
import { signMessage } from '../../../events/signing/message.js';
import { height } from '../../fixtures/blocks.js';
import { blob, receiptSignature, userSignature } from '../../fixtures/histories.js';
import { appointmentId, locator } from '../../fixtures/ids.js';
import { exchange } from '../../fixtures/teos-vectors.js';
import { specify } from '../../support/given.js';

/** What the Gatekeeper is asked in its tests: each a whole command, of which a test says only what it is about. */

export const given = specify(userDecider);

export const user = UserId.parse(exchange.userId);

/** Signs with the key of the tower of the vectors. */
export const sign: Sign = (receipt) => signMessage(receipt, fromHex(exchange.towerSecret));

export const register = (at: number, about: Partial<Register> = {}): Register => ({
  kind: 'register',
  userId: user,
  dialect: 'rust',
  height: height(at),
  slots: 100,
  duration: 1000,
  mostSlots: 0xffffffff,
  full: false,
  limit: 1000,
  admission: { kind: 'admitted' },
  sign,
  ...about,
});

/** The appointment of that name, with the blob at position 1 of 100 bytes, at height 1000. */
export const add = (name: string, about: Partial<AddAppointment> = {}): AddAppointment => ({
  kind: 'add-appointment',
  appointmentId: appointmentId(name),
  locator: locator(name),
  toSelfDelay: 42,
  blob: blob(1),
  userSignature,
  height: height(1000),
  triggered: false,
  full: false,
  limit: 1_000_000,
  sign,
  ...about,
});

/** Names the receipt of the history's `accepted`. */
export const remove = (name: string, about: Partial<DeleteAppointment> = {}): DeleteAppointment => ({
  kind: 'delete-appointment',
  appointmentId: appointmentId(name),
  locator: locator(name),
  receipt: receiptSignature,
  userSignature,
  height: height(1000),
  triggered: false,
  sign,
  ...about,
});

export const resolved = (name: string): EndAppointment => ({
  kind: 'end-appointment',
  appointmentId: appointmentId(name),
  end: { reason: 'resolved' },
});

/** The blob at a position was of no use. */
export const rejected = (name: string, position: number): EndAppointment => ({
  kind: 'end-appointment',
  appointmentId: appointmentId(name),
  end: { reason: 'rejected', blob: position },
});

export const outdate = (at: number, about: Partial<Outdate> = {}): Outdate => ({
  kind: 'outdate',
  height: height(at),
  grace: 6,
  isGapSince: () => false,
  triggered: () => false,
  ...about,
});
