import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, toHex, utf8 } from '../../../events/bytes.js';
import { UserId } from '../../../events/ids.js';
import { recoverSigner, signMessage } from '../../../events/signing/message.js';
import { appointmentReceipt, Dialect, registrationReceipt } from '../../../events/signing/receipts.js';
import { exchange } from '../../fixtures/teos-vectors.js';
import { agreed } from './curves.js';

const userId = UserId.parse(exchange.userId);
const { startBlock } = exchange;

const signedByTower = (bytes: Uint8Array, signature: string) => {
  assert.equal(
    agreed((curve) => signMessage(bytes, fromHex(exchange.towerSecret), curve)),
    signature,
  );
  assert.equal(
    agreed((curve) => recoverSigner(bytes, signature, curve)),
    exchange.towerId,
  );
};

describe('receipts', () => {
  for (const dialect of Dialect.options) {
    const known = exchange[dialect];
    const { slots, start, expiry, userSignature } = known;

    test(`the ${dialect} registration receipt`, () => {
      const bytes = registrationReceipt(dialect, { userId, slots, start, expiry });
      assert.equal(toHex(bytes), known.registration);
      assert.equal(bytes.length, { python: 41, rust: 45 }[dialect]);
      signedByTower(bytes, known.registrationSignature);
    });

    test(`the ${dialect} appointment receipt`, () => {
      const bytes = appointmentReceipt(dialect, { userSignature, startBlock });
      assert.equal(toHex(bytes), known.receipt);
      assert.equal(bytes.length, { python: 69, rust: 108 }[dialect]);
      signedByTower(bytes, known.receiptSignature);
    });

    test(`a ${dialect} receipt of a signature that is none, or of a number too large, is a bug`, () => {
      for (const bad of ['', 'aaaaaaaa', `0${userSignature.slice(1)}`, `${userSignature}yy`]) {
        assert.throws(() => appointmentReceipt(dialect, { userSignature: bad, startBlock }), RangeError);
      }
      for (const bad of [-1, 2 ** 32, 0.5]) {
        assert.throws(() => appointmentReceipt(dialect, { userSignature, startBlock: bad }), RangeError);
        assert.throws(() => registrationReceipt(dialect, { userId, slots: bad, start, expiry }), RangeError);
        assert.throws(() => registrationReceipt(dialect, { userId, slots, start, expiry: bad }), RangeError);
      }
    });
  }

  test('only the rust registration receipt has the start', () => {
    const registration = { userId, slots: 1, start: 2, expiry: 3 };
    const later = { ...registration, start: 3 };
    assert.deepEqual(registrationReceipt('python', registration), registrationReceipt('python', later));
    assert.notDeepEqual(registrationReceipt('rust', registration), registrationReceipt('rust', later));
  });

  test('a signature received in upper case: rust signs its text, python its bytes', () => {
    const { userSignature } = exchange.rust;
    const upper = userSignature.toUpperCase();
    assert.deepEqual(
      appointmentReceipt('python', { userSignature: upper, startBlock }),
      appointmentReceipt('python', { userSignature, startBlock }),
    );
    assert.deepEqual(appointmentReceipt('rust', { userSignature: upper, startBlock }).subarray(0, 104), utf8(upper));
  });
});
