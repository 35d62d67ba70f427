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

test('what an audit saves is read back: users, and their appointments in the order in which they came', () => {
  const owner = { ...user, number: 0 };
  const table = new BookingTable();
  for (const [i, id] of ids.entries()) table.set(id, { ...bookingOf(i), owner });
  const users = new Map([[userId, owner]]);
  const shards = [undefined, { position: 12, users, bookings: table.save() }];
  const read = decodeAudit(fileOf(3, { ...rest, shards }), towerId, 'regtest');
  const { users: readUsers, bookings: saved } = read.shards[1] ?? assert.fail();
  assert.deepEqual(readUsers, users);
  const again = new BookingTable(readUsers.values(), saved);
  assert.deepEqual([...again.of(owner)], ids);
  // Nothing is known of their blobs: those may have gone since.
  for (const [i, id] of ids.entries()) assert.deepEqual(again.get(id), { ...bookingOf(i), owner, isThere: false });
  assert.deepEqual(decodeAudit(encodeAudit(read), towerId, 'regtest'), read);
});

test('another format is refused: an older one does not say what was looked at', () => {
  for (const format of [1, 2, 4])
    assert.throws(() => decodeAudit(fileOf(format, { ...rest, shards: [] }), towerId, 'regtest'), SavedAuditError);
});
