import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Booking, BookingTable } from '../../../actors/auditor/booking-table.js';
import type { UserRecord } from '../../../actors/auditor/user-record.js';
import { toHex } from '../../../events/bytes.js';
import { AppointmentId, Height, UserId } from '../../../events/ids.js';
import { pseudoRandom } from '../../events/signing/curves.js';
import { Chance } from '../../model/chance.js';

const users = Array.from({ length: 5 }, (_, number): UserRecord => {
  const id = UserId.parse(`02${toHex(pseudoRandom('user', number))}`);
  const terms = { slots: 1, start: Height.parse(1), expiry: Height.parse(9), swept: 0 };
  return { id, number, status: 'registered', dialect: 'rust', ...terms, deleted: new Map() };
});
const ids = Array.from({ length: 300 }, (_, i) => AppointmentId.parse(toHex(pseudoRandom('id', i)).slice(0, 40)));

/** A table, and the same in maps; both are changed alike, and so often. */
function changedAlike(times: number) {
  const chance = new Chance(1);
  const table = new BookingTable();
  const map = new Map<AppointmentId, Booking>();
  const own = users.map(() => new Set<AppointmentId>());
  for (let turn = 1; turn <= times; turn++) {
    const id = ids[chance.below(ids.length)] ?? assert.fail();
    const before = map.get(id);
    const what = chance.below(10);
    if (what < 6) {
      // The third has none.
      const owner = before?.owner ?? users[chance.oneIn(2) ? 0 : 1 + 2 * chance.below(2)] ?? assert.fail();
      const booking: Booking = {
        owner,
        slots: chance.below(2 ** 32),
        position: turn + (turn % 2) * 2 ** 40,
        time: turn % 3 === 0 ? -turn : 1_700_000_000_000 + turn,
        blob: turn % 5 === 0 ? Number.MAX_SAFE_INTEGER - turn : turn,
        sha256: toHex(pseudoRandom('blob', turn)),
        mark: chance.below(2 ** 32),
        startBlock: Height.parse(chance.below(2 ** 32)),
        receiptMark: chance.below(2 ** 32),
        status: 'live',
        isThere: false,
      };
      table.set(id, booking);
      map.set(id, booking);
      own[owner.number]?.add(id);
    } else if (what < 8) {
      table.delete(id);
      map.delete(id);
      if (before) own[before.owner.number]?.delete(id);
    } else if (what < 9) {
      table.reject(id);
      if (before) map.set(id, { ...before, status: 'rejected' });
    } else {
      const isNow = chance.below(2) === 0;
      table.foundBlob(id, before && isNow ? before.position : turn);
      if (before && isNow) map.set(id, { ...before, isThere: true });
    }
    assert.deepEqual(table.get(id), map.get(id));
  }
  return { table, map, own };
}

const contents = (table: BookingTable) => new Map(Array.from(table.entries(), (at) => [table.idOf(at), table.at(at)]));

test('a table of bookings says what maps would say', () => {
  const { table, map, own } = changedAlike(20_000);
  assert.deepEqual(contents(table), map);
  for (const id of ids) assert.deepEqual(table.get(id), map.get(id));
  for (const user of users) assert.deepEqual([...table.of(user)], [...(own[user.number] ?? [])]);
  const bookings = [...map];
  assert.equal(table.size, map.size);
  assert.equal(table.live, bookings.filter(([, { status }]) => status === 'live').length);
  const missing = bookings.filter(([, { status, isThere }]) => status === 'live' && !isThere);
  assert.deepEqual(new Map(table.withoutBlob()), new Map(missing));
});

test('it is the same after it was saved, but for what is known of its blobs', () => {
  const { table, map, own } = changedAlike(3_000);
  const again = new BookingTable(users, structuredClone(table.save()));
  const wanted = new Map(Array.from(map, ([id, booking]) => [id, { ...booking, isThere: false }]));
  assert.deepEqual(contents(again), wanted);
  for (const user of users) assert.deepEqual([...again.of(user)], [...(own[user.number] ?? [])]);
  const first = ids.find((id) => map.has(id)) ?? assert.fail();
  again.delete(first);
  assert.deepEqual([again.get(first), again.size], [undefined, map.size - 1]);
});

test('a user may lose appointments while they are gone through', () => {
  const { table, own } = changedAlike(3_000);
  const [user] = users;
  assert.ok(user);
  const seen: string[] = [];
  for (const id of table.of(user)) {
    seen.push(id);
    if (seen.length % 2 === 0) table.delete(id);
  }
  assert.deepEqual(seen, [...(own[0] ?? [])]);
  assert.deepEqual(
    [...table.of(user)],
    seen.filter((_, i) => i % 2 === 0),
  );
});

test('an appointment that another user takes is among its own', () => {
  const { table, map } = changedAlike(500);
  const [one, other] = users;
  const [id, booking] = [...map].find(([, { owner }]) => owner === one) ?? assert.fail();
  assert.ok(one && other);
  table.set(id, { ...booking, owner: other });
  assert.equal([...table.of(one)].includes(id), false);
  assert.equal([...table.of(other)].at(-1), id);
});
