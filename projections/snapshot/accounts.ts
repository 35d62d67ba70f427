import { toHex } from '../../events/bytes.js';
import type { Height, TowerId, UserId } from '../../events/ids.js';
import type { Dialect } from '../../events/signing/receipts.js';
import type { User } from '../shard-state.js';
import { type Account, identityOf } from '../user.js';

/**
 * Accounts in a snapshot: 80 bytes each, integers little-endian, in the order in which the users came.
 *
 *    33  user id        1  status: 0 unknown, 1 registered, 2 outdated     1  dialect: 0 python, 1 rust
 *     1  identity       4  slots     4  start     4  expiry
 *     8  swept, 0 for never          8  version   (64-bit integers)
 *    16  shelf: first, last, held, gone
 *
 * The identity is 0 for the log's first, else its number, from 1, in the list that goes with them (`identitiesIn`).
 */
const BYTES = 80;
const [STATUS, DIALECT, IDENTITY, SLOTS, START, EXPIRY, SWEPT, VERSION, SHELF] = [33, 34, 35, 36, 40, 44, 48, 56, 64];

const STATUSES = ['unknown', 'registered', 'outdated'] as const;
const DIALECTS: readonly Dialect[] = ['python', 'rust'];

/** The later identities of the tower that sign for any of the users. */
export function identitiesIn(users: Iterable<readonly [UserId, User]>): readonly TowerId[] {
  const found = new Set<TowerId>();
  for (const [, { state }] of users) {
    const identity = identityOf(state);
    if (identity !== undefined) found.add(identity);
  }
  return [...found];
}

export function encodeAccounts(
  users: Iterable<readonly [UserId, User]>,
  identities: readonly TowerId[] = [],
): Uint8Array {
  const all = Array.from(users);
  const bytes = Buffer.alloc(BYTES * all.length);
  all.forEach(([id, { state, version, shelf }], n) => {
    const record = bytes.subarray(BYTES * n, BYTES * (n + 1));
    record.write(id, 'hex');
    record[STATUS] = STATUSES.indexOf(state.status);
    const identity = identityOf(state);
    record[IDENTITY] = identity === undefined ? 0 : 1 + identities.indexOf(identity);
    if (state.status === 'registered') {
      record[DIALECT] = DIALECTS.indexOf(state.dialect);
      record.writeUInt32LE(state.slots, SLOTS);
      record.writeUInt32LE(state.start, START);
      record.writeUInt32LE(state.expiry, EXPIRY);
    }
    if (state.status !== 'unknown') record.writeBigUInt64LE(BigInt(state.swept ?? 0), SWEPT);
    record.writeBigUInt64LE(BigInt(version), VERSION);
    const { first, last, held, gone } = shelf;
    for (const [i, word] of [first, last, held, gone].entries()) record.writeUInt32LE(word, SHELF + 4 * i);
  });
  return bytes;
}

export function* decodeAccounts(
  section: Uint8Array,
  identities: readonly TowerId[] = [],
): Generator<readonly [UserId, User]> {
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  for (let at = 0; at < section.length; at += BYTES) {
    const [first = 0, last = 0, held = 0, gone = 0] = [0, 4, 8, 12].map((word) =>
      view.getUint32(at + SHELF + word, true),
    );
    const id = toHex(section.subarray(at, at + STATUS)) as UserId;
    const version = Number(view.getBigUint64(at + VERSION, true));
    yield [id, { state: readAccount(view, at, identities), version, shelf: { first, last, held, gone } }];
  }
}

/** Its fields in the order in which folding makes them, so that its JSON is the same. */
function readAccount(view: DataView, at: number, identities: readonly TowerId[]): Account {
  const swept = Number(view.getBigUint64(at + SWEPT, true));
  const identity = identities[view.getUint8(at + IDENTITY) - 1];
  const rest = { ...(identity !== undefined && { identity }), ...(swept > 0 && { swept }) };
  switch (STATUSES[view.getUint8(at + STATUS)]) {
    case 'registered':
      return {
        status: 'registered',
        dialect: DIALECTS[view.getUint8(at + DIALECT)] ?? 'rust',
        slots: view.getUint32(at + SLOTS, true),
        start: view.getUint32(at + START, true) as Height,
        expiry: view.getUint32(at + EXPIRY, true) as Height,
        ...rest,
      };
    case 'outdated':
      return { status: 'outdated', ...rest };
    default:
      return { status: 'unknown' };
  }
}
