import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AcceptanceReader } from '../../../events/acceptance.js';
import { aggregateSubject, userAggregate } from '../../../events/aggregate.js';
import { type Commit, encodeCommit, newCommit } from '../../../events/commit.js';
import { AppointmentId, Locator, type Shard, TowerId } from '../../../events/ids.js';
import { signerIs } from '../../../events/signing/message.js';
import { appointmentReceipt, Dialect } from '../../../events/signing/receipts.js';
import type { UserEvent } from '../../../events/user.js';
import { height } from '../../fixtures/blocks.js';
import { accepted, blob, ended, outdated, registered, renewed } from '../../fixtures/histories.js';
import { appointmentId, locator } from '../../fixtures/ids.js';
import { exchange } from '../../fixtures/teos-vectors.js';
import { add, given, user } from './commands.js';

/** A user with so many slots, on an account that expires at 2000. */
const withSlots = (slots: number) => registered({ slots });

/** The slots that are left after each of these blobs, in bytes, was sent in place of the one before. */
function slotsLeft(slots: number, ...sizes: number[]): number[] {
  const history: UserEvent[] = [withSlots(slots)];
  return sizes.map((size, n) => {
    const { outcome, events } = given(...history).when(add('channel', { blob: blob(n + 1, size) }));
    history.push(...events);
    assert.ok(outcome.kind === 'accepted');
    return outcome.slots;
  });
}

describe('adding an appointment', () => {
  for (const dialect of Dialect.options) {
    test(`of the ${dialect} dialect: the receipt of the vectors, under that dialect's scheme`, () => {
      const known = exchange[dialect];
      const appointment = {
        appointmentId: AppointmentId.parse(known.appointmentId),
        locator: Locator.parse(known.locator),
        startBlock: height(exchange.startBlock),
        receiptSignature: known.receiptSignature,
      };
      const { userSignature, toSelfDelay } = known;
      given(registered({ dialect, slots: 100 }))
        .when(add('channel', { ...appointment, toSelfDelay, userSignature, height: height(exchange.startBlock) }))
        .gives(
          { kind: 'accepted', ...appointment, slots: 99, expiry: height(2000) },
          {
            type: 'AppointmentAccepted',
            ...appointment,
            scheme: dialect === 'python' ? 'teos-display' : 'teos-internal',
            slots: 1,
            slotsLeft: 99,
            toSelfDelay,
            blob: blob(1),
            userSignature,
          },
        );
    });
  }

  test('the start block, and so the receipt, is of the height at which it was taken', () => {
    const [event] = given(withSlots(1)).when(add('channel', { height: height(1234) })).events;
    assert.ok(event?.type === 'AppointmentAccepted');
    const receipt = appointmentReceipt('rust', { userSignature: event.userSignature, startBlock: 1234 });
    assert.ok(signerIs(receipt, event.receiptSignature, TowerId.parse(exchange.towerId)));
  });

  test('one slot for every started 2048 bytes', () => {
    const left = (size: number) => slotsLeft(100, size)[0];
    assert.deepEqual([1, 2048, 2049, 4096, 4097].map(left), [99, 99, 98, 98, 97]);
  });

  test('an update is charged what it needs more, and given back what it needs less', () => {
    assert.deepEqual(slotsLeft(100, 2116, 26), [98, 99], 'the vectors of a run');
    assert.deepEqual(slotsLeft(100, 26, 26, 2049, 26), [99, 99, 98, 99], "the python generation's test");
    assert.deepEqual(slotsLeft(2, 26, 2049), [1, 0], 'to the last slot');
  });

  test('different appointments are charged each', () => {
    const first = given(withSlots(21)).when(add('one'));
    const second = given(withSlots(21), ...first.events).when(add('two'));
    assert.equal(second.outcome.kind === 'accepted' && second.outcome.slots, 19);
  });

  test('not enough slots: nothing changes, whether it is new or an update', () => {
    given(withSlots(1))
      .when(add('channel', { blob: blob(1, 2049) }))
      .gives({ kind: 'not-enough-slots', needed: 2, available: 1 });
    given(withSlots(0)).when(add('channel')).gives({ kind: 'not-enough-slots', needed: 1, available: 0 });
    given(withSlots(1), accepted('channel', { slotsLeft: 0 }))
      .when(add('channel', { blob: blob(2, 2049) }))
      .gives({ kind: 'not-enough-slots', needed: 1, available: 0 });
  });

  test('an update that needs no more passes with no slot left', () => {
    const { outcome } = given(withSlots(1), accepted('channel', { slotsLeft: 0 })).when(
      add('channel', { blob: blob(2, 2048) }),
    );
    assert.equal(outcome.kind === 'accepted' && outcome.slots, 0);
  });

  test('the identical request again: the receipt that was given, at whatever height, and nothing new', () => {
    const { outcome, events } = given(withSlots(5)).when(add('channel'));
    const again = add('channel', { height: height(1500), blob: { ...blob(1), position: 7 } });
    given(withSlots(5), ...events)
      .when(again)
      .gives(outcome);
    given(withSlots(5), ...events)
      .when({ ...again, full: true })
      .gives(outcome);
  });

  for (const [what, change] of [
    ['another blob', { blob: blob(2) }],
    ['another delay', { toSelfDelay: 43 }],
    ['another signature', { userSignature: exchange.python.userSignature }],
  ] as const)
    test(`with ${what} it is an update`, () => {
      const { events } = given(withSlots(5), accepted('channel')).when(add('channel', change));
      assert.equal(events.length, 1);
    });

  test('the same request under another dialect than before is an update, of the other scheme', () => {
    const history = [withSlots(5), accepted('channel'), renewed({ dialect: 'python' })];
    const [event] = given(...history).when(add('channel')).events;
    assert.equal(event?.type === 'AppointmentAccepted' && event.scheme, 'teos-display');
  });

  test('expired from the height of the expiry on', () => {
    const outcomeAt = (at: number) => given(withSlots(5)).when(add('channel', { height: height(at) })).outcome;
    assert.equal(outcomeAt(1999).kind, 'accepted');
    assert.deepEqual(outcomeAt(2000), { kind: 'subscription-expired', expiry: 2000 });
    assert.deepEqual(outcomeAt(2001), { kind: 'subscription-expired', expiry: 2000 });
  });

  test('a user that is unknown, or was forgotten, is not authenticated', () => {
    given().when(add('channel')).gives({ kind: 'authentication-failed' });
    given(withSlots(5), outdated(2006)).when(add('channel')).gives({ kind: 'authentication-failed' });
  });

  test('a full tower refuses what is new, and takes updates', () => {
    const full = { full: true, limit: 7 };
    given(withSlots(5)).when(add('channel', full)).gives({ kind: 'appointment-limit-reached', limit: 7 });
    const update = given(withSlots(5), accepted('channel')).when(add('channel', { ...full, blob: blob(2) }));
    assert.equal(update.outcome.kind, 'accepted');
  });

  test('what is triggered cannot be changed, nor sent again when it is over', () => {
    given(withSlots(5), accepted('channel'))
      .when(add('channel', { blob: blob(2), triggered: true }))
      .gives({ kind: 'already-triggered' });
    given(withSlots(5), accepted('channel'), ended('channel', 'resolved'))
      .when(add('channel', { triggered: true }))
      .gives({ kind: 'already-triggered' });
  });

  test('what is triggered is receipted again, for a client that lost the answer before the breach', () => {
    const before = given(withSlots(5), accepted('channel')).when(add('channel'));
    const after = given(withSlots(5), accepted('channel')).when(add('channel', { triggered: true }));
    assert.equal(after.outcome.kind, 'accepted');
    assert.deepEqual([after.outcome, after.events], [before.outcome, []]);
  });

  test('the expiry is told before the limit, the limit before the trigger, the trigger before the slots', () => {
    const all = { full: true, triggered: true, blob: blob(1, 1_000_000) };
    const outcome = (about: object) => given(withSlots(1)).when(add('channel', { ...all, ...about })).outcome.kind;
    assert.equal(outcome({ height: height(2000) }), 'subscription-expired');
    assert.equal(outcome({}), 'appointment-limit-reached');
    assert.equal(outcome({ full: false }), 'already-triggered');
    assert.equal(outcome({ full: false, triggered: false }), 'not-enough-slots');
  });

  test("other users' appointments under the same locator have other ids, so they are new", () => {
    const mine = accepted('channel', { slotsLeft: 4 });
    const theirs = add('other', { locator: locator('channel'), appointmentId: appointmentId('other') });
    const { outcome } = given(withSlots(5), mine).when(theirs);
    assert.equal(outcome.kind === 'accepted' && outcome.slots, 3);
  });
});

test('what is appended of it is in the form that is read the fastest', () => {
  const events = [withSlots(100), ...given(withSlots(100)).when(add('channel')).events];
  const commits = events.map((event) => newCommit(userAggregate(user), [event], 'one', 0) as Commit);
  const subject = aggregateSubject(userAggregate(user), 0 as Shard);
  const reader = new AcceptanceReader(0 as Shard);
  const taken = commits.map((commit) => reader.read(encodeCommit(commit), subject)?.commit());
  assert.deepEqual(taken, [undefined, commits[1]]);
});
