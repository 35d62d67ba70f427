import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UserEvent } from '../../events/user.js';
import { bookingsOf, evolveUser, unknownUser } from '../../projections/user.js';
import { height } from '../fixtures/blocks.js';
import {
  accepted,
  blob,
  ended,
  outdated,
  receiptSignature,
  registered,
  renewed,
  userSignature,
} from '../fixtures/histories.js';
import { appointmentId, locator } from '../fixtures/ids.js';

const after = (...events: UserEvent[]) => events.reduce(evolveUser, unknownUser());
const slots = (...events: UserEvent[]) => {
  const state = after(...events);
  return state.status === 'registered' ? state.slots : undefined;
};
/** The status of each appointment that a history leaves, by its name. */
const statuses = (names: string[], ...events: UserEvent[]) => {
  const bookings = bookingsOf(after(...events));
  assert.ok(bookings.size <= names.length);
  return names.map((name) => bookings.get(appointmentId(name))?.status);
};

describe('a user', () => {
  test('is unknown before it registers, and then what the event says', () => {
    assert.deepEqual(after(), { status: 'unknown' });
    assert.deepEqual(after(registered()), {
      status: 'registered',
      dialect: 'rust',
      slots: 100,
      start: 1000,
      expiry: 2000,
      appointments: new Map(),
    });
  });

  test('that renews keeps its appointments and takes the rest from the event', () => {
    const state = after(
      registered(),
      accepted('channel'),
      renewed({ dialect: 'python', slots: 199, expiry: height(3000) }),
    );
    assert.ok(state.status === 'registered');
    assert.deepEqual([state.dialect, state.slots, state.expiry], ['python', 199, 3000]);
    assert.equal(state.appointments.size, 1);
  });

  test('has an appointment as it was last accepted, and the slots left after it', () => {
    const first = accepted('channel', { slots: 2, slotsLeft: 98 });
    const second = accepted('channel', { slots: 1, slotsLeft: 99, blob: blob(2), toSelfDelay: 20 });
    const state = after(registered(), first, second);
    assert.ok(state.status === 'registered');
    assert.equal(state.slots, 99);
    assert.deepEqual(Array.from(state.appointments), [
      [
        appointmentId('channel'),
        {
          locator: locator('channel'),
          scheme: 'teos-internal',
          slots: 1,
          startBlock: 1000,
          toSelfDelay: 20,
          blob: blob(2),
          userSignature,
          receiptSignature,
          status: 'live',
        },
      ],
    ]);
  });

  test('gets slots back for what was resolved or expired, none for what was rejected', () => {
    const history = [registered(), accepted('channel', { slots: 3, slotsLeft: 97 })];
    assert.equal(slots(...history, ended('channel', 'resolved', 3)), 100);
    assert.equal(slots(...history, ended('channel', 'expired', 3)), 100);
    assert.equal(slots(...history, ended('channel', 'rejected')), 97);
  });

  test('keeps what was rejected, until it is taken in again', () => {
    const history = [registered(), accepted('one'), accepted('two')];
    const names = ['one', 'two'];
    assert.deepEqual(statuses(names, ...history, ended('one', 'resolved')), [undefined, 'live']);
    assert.deepEqual(statuses(names, ...history, ended('one', 'rejected')), ['rejected', 'live']);
    assert.deepEqual(statuses(names, ...history, ended('one', 'rejected'), accepted('one')), ['live', 'live']);
  });

  test('that is outdated is forgotten, but for the appointments that are still live', () => {
    const history = [registered(), accepted('one'), accepted('two'), ended('two', 'rejected'), outdated(2006)];
    assert.equal(after(...history).status, 'outdated');
    assert.deepEqual(statuses(['one', 'two'], ...history), ['live', undefined]);
    assert.deepEqual(statuses(['one'], ...history, ended('one', 'resolved')), [undefined]);
    assert.deepEqual(statuses(['one'], ...history, ended('one', 'rejected')), [undefined]);
  });

  test('that comes back after being outdated has those again', () => {
    const history = [registered(), accepted('one'), outdated(2006), registered({ slots: 50 })];
    assert.equal(slots(...history), 50);
    assert.deepEqual(statuses(['one'], ...history), ['live']);
    assert.equal(slots(...history, ended('one', 'resolved')), 51);
  });

  test('is not changed by an event that cannot be: a fold never fails', () => {
    assert.deepEqual(after(accepted('channel')), { status: 'unknown' });
    assert.equal(after(ended('channel', 'resolved')).status, 'unknown');
    assert.deepEqual(statuses([], registered(), ended('channel', 'rejected')), []);
  });
});
