import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex } from '../../../events/bytes.js';
import { deleteAppointmentRequest } from '../../../events/signing/appointment.js';
import { deletionReceipt } from '../../../events/signing/receipts.js';
import { height } from '../../fixtures/blocks.js';
import {
  blob,
  deleted,
  ended,
  penaltyRefused,
  receiptSignature,
  registered,
  sighted,
  userSignature,
} from '../../fixtures/histories.js';
import { locator } from '../../fixtures/ids.js';
import { adding, alice, at, HOUR, id, judged, sent, towerId } from '../../support/judged.js';

const deleting = (about: Parameters<typeof deleted>[1] = {}, slots = 1) => ({
  ...deleted('channel', about, slots),
  appointmentId: id,
});

/** One that alice registered and added. */
function added() {
  const one = judged();
  one.user(registered());
  one.user(adding());
  assert.deepEqual(one.complaints, []);
  return one;
}

describe('a deletion', () => {
  test('is right, and what user and tower signed is checked', () => {
    const { user, complaints, checked } = added();
    user(deleting());
    assert.deepEqual(complaints, []);
    assert.deepEqual(checked.slice(-2), [
      `the deletion ${toHex(deleteAppointmentRequest(at, receiptSignature))} ${userSignature} ${alice}`,
      `the receipt for the deletion ${toHex(deletionReceipt('rust', userSignature))} ${receiptSignature} ${towerId}`,
    ]);
  });

  const wrong: Record<string, [RegExp, ReturnType<typeof deleting>]> = {
    'of another version': [/delete: .*another version/, deleting({ receipt: userSignature })],
    'of what began elsewhere': [/delete: .*began at height 1000, not 1001/, deleting({ startBlock: height(1001) })],
    'under another locator': [/delete: .*not the appointment/, deleting({ locator: locator('other') })],
    'that gives back too much': [/slots: 2 slots are given back, of 1/, deleting({}, 2)],
  };
  for (const [what, [said, event]] of Object.entries(wrong))
    test(`${what} is wrong`, () => {
      const { user, complaints } = added();
      user(event);
      assert.equal(complaints.length, 1);
      assert.match(complaints[0] ?? '', said);
    });

  test('of what is not there, or was deleted, is wrong', () => {
    const { user, complaints } = added();
    user(deleting());
    user(deleting());
    assert.deepEqual(complaints, ['end: the user has no such appointment']);
  });

  test('long after the breach is wrong', () => {
    const { user, tracker, complaints } = added();
    tracker(sighted(1000));
    complaints.length = 0; // the fixture's dispute has nothing to do with the locator
    user(deleting(), HOUR);
    assert.deepEqual(complaints, ['delete: its breach was being answered already']);
  });

  test('has what is added again begin later, even beyond the tip', () => {
    for (const [start, said] of [
      [1000, ['accept: it begins at height 1000, and one that was deleted began at 1000']],
      [1001, []],
      [1005, []],
      [1500, ['height: the log tells of no block at height 1500']],
    ] as const) {
      const { user, complaints } = added();
      user(deleting());
      user(adding({ startBlock: height(start), blob: blob(2) }));
      assert.deepEqual(complaints, said);
    }
    const { user, complaints } = judged();
    user(registered());
    user(adding({ startBlock: height(1010) }));
    user(deleting({ startBlock: height(1010) }));
    user(adding({ startBlock: height(1011), blob: blob(2) }));
    assert.deepEqual(complaints, [], 'no block has that height yet');
  });
});

test('a penalty that was refused for good is sent again only for a version that was just then replaced', () => {
  for (const [after, said] of [
    [60_000, []],
    [HOUR, ['tracker: it was given up, and no newer blob has come']],
  ] as const) {
    const { user, tracker, complaints } = added();
    user(adding({ blob: blob(2), userSignature: receiptSignature }));
    tracker(sighted(1000));
    complaints.length = 0;
    tracker(penaltyRefused('invalid', { blob: 2, final: true }));
    user({ ...ended('channel', 'rejected'), appointmentId: id });
    tracker(sent, after);
    assert.deepEqual(complaints, said);
  }
});
