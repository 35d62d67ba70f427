import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Bookings } from '../../actors/bookings.js';
import { aggregateName } from '../../events/aggregate.js';
import { fromHex, reversed, toHex } from '../../events/bytes.js';
import { Locator, type Shard } from '../../events/ids.js';
import type { CommitLog } from '../../events/log/commit-log.js';
import { LogDamagedError, LogUnavailableError } from '../../events/log/errors.js';
import { schemes } from '../../events/schemes/schemes.js';
import type { Booked } from '../../projections/watchlist.js';
import { ofScan, ofUser, placed, scanned } from '../fixtures/commits.js';
import { accepted, blob, registered } from '../fixtures/histories.js';
import { appointmentId, txid, userId } from '../fixtures/ids.js';
import { MemoryLog, MemoryStreams } from '../model/memory-log.js';
import { DirectWire } from '../model/wire.js';

const shard = 0 as Shard;
const internal = reversed(fromHex(txid('dispute')));
const hint = Locator.parse(toHex(schemes['teos-internal'].hint(internal)));
const [one, two, same] = ['one', 'two', 'same'].map((name, n) => accepted(name, { blob: blob(n + 1) }));
assert(one && two && same);

/** Position 2 holds three appointments, the last of which waits for the dispute; position 3 none. */
const commits = placed(
  ofUser('alice', registered()),
  ofUser('alice', one, two, { ...same, locator: hint }),
  ofScan(scanned(1000)),
  ofUser('bob', accepted('bob', { blob: blob(9), locator: hint, scheme: 'teos-display' })),
);
const at = (position: number, of: number): Booked => ({ position, blob: of, status: 'live' });

/** A log with these commits. */
async function filled(): Promise<MemoryLog> {
  const log = new MemoryLog(new MemoryStreams(), new DirectWire());
  const last = new Map<string, number>();
  for (const { position, ...commit } of commits) {
    const name = aggregateName(commit.aggregate);
    await log.append(commit, { shard, expected: last.get(name) ?? 0, patience: Number.POSITIVE_INFINITY });
    last.set(name, position);
  }
  return log;
}

/** That log, which fails so often before it answers; and what it was asked. */
function log({ failures = 0, error = () => new LogUnavailableError('away') as Error } = {}) {
  const asked: number[] = [];
  let left = failures;
  const whole = filled();
  const read: CommitLog['at'] = async (position) => {
    asked.push(position);
    if (left-- > 0) throw error();
    return (await whole).at(position, shard);
  };
  const waits: Error[] = [];
  const each: CommitLog['each'] = async (...question) => (await whole).each(...question);
  const bookings = new Bookings({ at: read, each }, shard, (why) => waits.push(why));
  return { asked, waits, bookings };
}

/** So many appointments of alice's, three of them those of the log, the others at the same place. */
const many = (count: number) => Array.from({ length: count }, (_, n) => at(2, (n % 3) + 1));

test('however many are asked for at once, the log is asked for some at a time, and all are read', async () => {
  const whole = filled();
  let [underWay, most] = [0, 0];
  const read: CommitLog['at'] = async (position) => {
    most = Math.max(most, ++underWay);
    await setImmediate();
    underWay--;
    return { ...(await (await whole).at(2, shard)), position };
  };
  const bookings = new Bookings({ at: read, each: async () => assert.fail() }, shard, assert.fail);
  const found = await Promise.all(Array.from({ length: 3_000 }, (_, n) => bookings.at(at(n + 10, 1), 1_000)));
  assert.equal(found.length, 3_000);
  assert.ok(most > 1 && most <= 256, `${most}`);
});

describe('the locators of many appointments', () => {
  test('are read in one go, and given in their order', async () => {
    const { asked, bookings } = log();
    const found = await bookings.locators(userId('alice'), [...many(300), at(2, 2)], 1_000);
    assert.deepEqual(found.slice(-4), [one.locator, two.locator, hint, two.locator]);
    assert.equal(found.length, 301);
    assert.deepEqual(asked, []);
  });

  test('of which one is not where it should be, are a bug', async () => {
    const { bookings } = log();
    await assert.rejects(bookings.locators(userId('alice'), [...many(300), at(2, 7)], 1_000), TypeError);
  });

  test('are not waited for once the shard is stopped', async () => {
    const { bookings } = log();
    bookings.stop();
    await assert.rejects(bookings.locators(userId('alice'), many(300), 1_000), LogUnavailableError);
  });
});

describe('an appointment that is read back', () => {
  test('is what was accepted, whose it is, and as the state has it', async () => {
    const { bookings } = log();
    const { type: _, slotsLeft: __, ...expected } = two;
    const rejected: Booked = { ...at(2, 2), status: 'rejected' };
    const whole = { ...expected, userId: userId('alice'), status: 'rejected' };
    assert.deepEqual(await bookings.of(appointmentId('two'), rejected, 0), whole);
    assert.deepEqual(await bookings.at(rejected, 0), whole);
  });

  test('is read once, with the others of its commit', async () => {
    const { asked, bookings } = log();
    assert.deepEqual(await bookings.locators(userId('alice'), [at(2, 2), at(2, 3), at(2, 1)], 0), [
      two.locator,
      hint,
      one.locator,
    ]);
    await bookings.at(at(2, 1), 0);
    assert.deepEqual(asked, [2]);
  });

  test('is a hit only if it waits for the transaction, under its scheme', async () => {
    const { bookings } = log();
    const hits = await bookings.waitingFor(internal, [at(2, 1), at(2, 3), at(4, 9)]);
    assert.deepEqual(
      hits.map(({ appointmentId: id }) => id),
      [appointmentId('same')],
    );
  });

  test('that is not where the state has it is a bug, and says so', async () => {
    const { bookings } = log();
    await assert.rejects(bookings.of(appointmentId('three'), at(2, 1), 0), TypeError);
    await assert.rejects(bookings.at(at(2, 7), 0), TypeError);
    await assert.rejects(bookings.at(at(3, 1), 0), TypeError);
  });
});

describe('while the log is away', () => {
  test('a hit is waited for, and each wait is told of', async () => {
    const { asked, waits, bookings } = log({ failures: 2 });
    assert.equal((await bookings.waitingFor(internal, [at(2, 3)])).length, 1);
    assert.deepEqual([asked.length, waits.length], [3, 2]);
  });

  test('whoever has no patience is told', async () => {
    const { asked, bookings } = log({ failures: 1 });
    await assert.rejects(bookings.at(at(2, 1), 0), LogUnavailableError);
    assert.equal((await bookings.at(at(2, 1), 0)).locator, one.locator, 'what failed is not remembered');
    assert.equal(asked.length, 2);
  });

  test('a wait ends when the shard is stopped', async () => {
    const { bookings } = log({ failures: Number.POSITIVE_INFINITY });
    const asked = bookings.waitingFor(internal, [at(2, 3)]);
    bookings.stop();
    await assert.rejects(asked);
    await assert.rejects(bookings.at(at(2, 1), 1_000), LogUnavailableError);
  });

  test('damage is not waited out', async () => {
    const { asked, bookings } = log({ failures: 1, error: () => new LogDamagedError('gone') });
    await assert.rejects(bookings.waitingFor(internal, [at(2, 3)]), LogDamagedError);
    assert.equal(asked.length, 1);
  });
});
