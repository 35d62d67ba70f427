import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Accepted } from '../../../actors/outcomes.js';
import { deletionReceipt } from '../../../events/signing/receipts.js';
import type { UserEvent } from '../../../events/user.js';
import { height } from '../../fixtures/blocks.js';
import { accepted, blob, deleted, ended, outdated, registered, userSignature } from '../../fixtures/histories.js';
import { locator } from '../../fixtures/ids.js';
import { add, given, register, remove, sign } from './commands.js';

const history = [registered(), accepted('channel', { slots: 2, slotsLeft: 98, blob: blob(1, 4000) })];
const receiptSignature = sign(deletionReceipt('rust', userSignature));
const answer = {
  kind: 'deleted',
  locator: locator('channel'),
  receiptSignature,
  slots: 100,
  expiry: height(2000),
} as const;

describe('a deletion by the user', () => {
  test('ends the appointment, gives its slots back, and is receipted', () => {
    given(...history)
      .when(remove('channel'))
      .gives(answer, deleted('channel', { receiptSignature }, 2));
  });

  test('is receipted over the record of the signature to a python client', () => {
    const python = sign(deletionReceipt('python', userSignature));
    const { outcome } = given(registered({ dialect: 'python' }), accepted('channel')).when(remove('channel'));
    assert.equal(outcome.kind === 'deleted' && outcome.receiptSignature, python);
    assert.notEqual(python, receiptSignature);
  });

  test('that names no receipt is of whatever there is', () => {
    given(...history)
      .when(remove('channel', { receipt: null }))
      .gives(answer, deleted('channel', { receipt: null, receiptSignature }, 2));
  });

  test('asked for again gets the same answer, and gives nothing back twice', () => {
    given(...history, deleted('channel', { receiptSignature }, 2))
      .when(remove('channel'))
      .gives(answer);
  });

  test('asked for otherwise, once it is deleted, is of nothing', () => {
    const otherwise = remove('channel', { receipt: null, userSignature: receiptSignature });
    given(...history, deleted('channel', {}, 2))
      .when(otherwise)
      .gives({ kind: 'appointment-not-found' });
  });

  test('names the receipt of the version that is there now, or nothing is deleted', () => {
    const receipt = sign(Uint8Array.of(1));
    given(...history)
      .when(remove('channel', { receipt }))
      .gives({ kind: 'receipt-replaced' });
    given(...history, accepted('channel', { receiptSignature: receipt }))
      .when(remove('channel'))
      .gives({ kind: 'receipt-replaced' });
  });

  test('is refused once a breach was seen, and where it was of no use', () => {
    given(...history)
      .when(remove('channel', { triggered: true }))
      .gives({ kind: 'already-triggered' });
    given(...history, ended('channel', 'rejected'))
      .when(remove('channel'))
      .gives({ kind: 'already-triggered' });
  });

  test('is refused to who has no such appointment', () => {
    const none = { kind: 'appointment-not-found' } as const;
    given(registered()).when(remove('channel')).gives(none);
    given(...history)
      .when(remove('other'))
      .gives(none);
    given(...history, ended('channel', 'resolved', 2))
      .when(remove('channel'))
      .gives(none);
  });

  test('is refused to who is not registered, or not any more', () => {
    given().when(remove('channel')).gives({ kind: 'authentication-failed' });
    given(...history, outdated(2006))
      .when(remove('channel'))
      .gives({ kind: 'authentication-failed' });
    given(...history)
      .when(remove('channel', { height: height(2000) }))
      .gives({ kind: 'subscription-expired', expiry: height(2000) });
  });

  test('is forgotten with the subscription', () => {
    given(...history, deleted('channel', {}, 2), outdated(2006), registered())
      .when(remove('channel'))
      .gives({ kind: 'appointment-not-found' });
  });

  test('never gives more slots than 32 bits hold', () => {
    const { outcome } = given(...history, registered({ slots: 0xffffffff })).when(remove('channel'));
    assert.equal(outcome.kind === 'deleted' && outcome.slots, 0xffffffff);
  });
});

describe('an appointment that was deleted', () => {
  const startAfter = (events: readonly UserEvent[], at: number) => {
    const { outcome } = given(...events).when(add('channel', { height: height(at), blob: blob(2) }));
    return (outcome as Accepted).startBlock;
  };
  const over = [...history, deleted('channel', {}, 2)];

  test('may be added again, and is charged again', () => {
    const { outcome } = given(...over).when(add('channel', { blob: blob(2, 4000) }));
    assert.equal(outcome.kind === 'accepted' && outcome.slots, 98);
  });

  test('and comes again at once starts one block later, so that no receipt is given twice', () => {
    assert.equal(startAfter(over, 999), 1001);
    assert.equal(startAfter(over, 1000), 1001);
    assert.equal(startAfter(over, 1001), 1001);
    assert.equal(startAfter(over, 1002), 1002);
  });

  test('does so also where another version was there in between', () => {
    const between = accepted('channel', { startBlock: height(1001), blob: blob(5), userSignature: receiptSignature });
    assert.equal(startAfter([...over, between], 1000), 1001);
    assert.equal(startAfter([...over, between, deleted('channel', { startBlock: height(1001) })], 1000), 1002);
  });

  test('does not stand in the way of anything else', () => {
    const { outcome } = given(...over).when(register(1500), { because: 'each registration gives more' });
    assert.equal(outcome.kind, 'registered');
    assert.equal(given(...over).when(add('other')).outcome.kind, 'accepted');
  });
});
