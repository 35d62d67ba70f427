import type { Accepted, Deleted, Registered, Shown, SubscriptionInfo } from '../../../actors/outcomes.js';
import { AppointmentId, Locator, Txid } from '../../../events/ids.js';
import { height } from '../../fixtures/blocks.js';
import { blob as ref } from '../../fixtures/histories.js';
import { exchange } from '../../fixtures/teos-vectors.js';

/** What a Gatekeeper that grants everything answers, after the vectors. */

const { python, rust } = exchange;
export const locator = Locator.parse(python.locator);

export const registered: Registered = {
  kind: 'registered',
  dialect: 'rust',
  slots: rust.slots,
  start: height(rust.start),
  expiry: height(rust.expiry),
  receiptSignature: rust.registrationSignature,
};
export const accepted: Accepted = {
  kind: 'accepted',
  appointmentId: AppointmentId.parse(python.appointmentId),
  locator,
  startBlock: height(exchange.startBlock),
  receiptSignature: python.receiptSignature,
  slots: 99,
  expiry: height(4420),
};
export const deleted: Deleted = {
  kind: 'deleted',
  locator,
  receiptSignature: rust.receiptSignature,
  slots: 100,
  expiry: height(4420),
};
export const watched: Shown = { kind: 'watched', locator, blob: ref(7), toSelfDelay: 20 };
export const responded: Shown = {
  kind: 'responded',
  locator,
  disputeTxid: exchange.disputeTxid,
  penalty: { txid: Txid.parse('cd'.repeat(32)), rawTx: '0200', disputeRawTx: null },
};
export const subscribed: SubscriptionInfo = {
  kind: 'subscription',
  slots: 99,
  expiry: height(4420),
  locators: [locator],
};
