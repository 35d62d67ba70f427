import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serialize } from 'node:v8';
import { BookingTable } from '../../../actors/auditor/booking-table.js';
import { decodeAudit, encodeAudit, SavedAuditError } from '../../../actors/auditor/saved-audit.js';
import { sha256, toHex } from '../../../events/bytes.js';
import { AppointmentId, Height, TowerId, UserId } from '../../../events/ids.js';
import { pseudoRandom } from '../../events/signing/curves.js';

const towerId = TowerId.parse(`02${toHex(pseudoRandom('tower', 1))}`);
const userId = UserId.parse(`03${toHex(pseudoRandom('user', 1))}`);
const ids = [1, 2, 3].map((i) => AppointmentId.parse(toHex(pseudoRandom('id', i)).slice(0, 40)));
const terms = { slots: 1, start: Height.parse(1), expiry: Height.parse(9), swept: 0 };
const user = { id: userId, status: 'registered', dialect: 'rust', ...terms, deleted: new Map() } as const;

const bookingOf = (i: number) => ({
  slots: 1,
  position: 10 + i,
  time: 1_700_000_000_000 + i,
  blob: i,
  sha256: toHex(pseudoRandom('blob', i)),
  mark: i,
  startBlock: Height.parse(7),
  receiptMark: i,
  status: 'live' as const,
  isThere: true,
});

/** What an audit saves beside, whatever it is. */
const rest = { network: 'regtest', towerId, chainDone: { position: 1, digest: 'ab' } };

const fileOf = (format: number, audit: object): Uint8Array => {
  const body = serialize(audit);
  return Buffer.concat([Buffer.from(`argus audit state ${format} ${toHex(sha256(body))}\n`), body]);
};

test('the state of an audit by an older version is read as one of today', () => {
  const owner = { ...user, appointments: new Set(ids) };
  const bookings = new Map(ids.map((id, i) => [id, { owner, ...bookingOf(i) }]));
  const shards = [undefined, { position: 12, users: new Map([[userId, owner]]), bookings }];
  const read = decodeAudit(fileOf(1, { ...rest, shards }), towerId, 'regtest');
  assert.deepEqual([read.chainDone, read.shards[0], read.shards[1]?.position], [rest.chainDone, undefined, 12]);
  const { users, bookings: saved } = read.shards[1] ?? assert.fail();
  const table = new BookingTable(users.values(), saved);
  const now = users.get(userId) ?? assert.fail();
  assert.deepEqual(now, { ...user, number: 0 });
  assert.deepEqual([...table.of(now)], ids);
  for (const [i, id] of ids.entries()) assert.deepEqual(table.get(id), { ...bookingOf(i), owner: now, isThere: false });
  assert.deepEqual(decodeAudit(encodeAudit(read), towerId, 'regtest'), read);
});

test('a format that nobody knows is refused', () => {
  assert.throws(() => decodeAudit(fileOf(3, { ...rest, shards: [] }), towerId, 'regtest'), SavedAuditError);
});
