import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AcceptanceReader } from '../../events/acceptance.js';
import { aggregateSubject, userAggregate } from '../../events/aggregate.js';
import { toHex } from '../../events/bytes.js';
import { type Commit, decodeCommit, encodeCommit, newCommit } from '../../events/commit.js';
import { type Shard, UserId } from '../../events/ids.js';
import { SchemeName } from '../../events/schemes/scheme.js';
import type { AppointmentAccepted } from '../../events/user.js';
import { accepted, ended, registered } from '../fixtures/histories.js';
import { userId } from '../fixtures/ids.js';
import { storedEvents } from '../fixtures/stored-events.js';

const shard = 3 as Shard;
const alice = userId('alice');
const subjectOf = (id: UserId) => aggregateSubject(userAggregate(id), shard);
const reader = new AcceptanceReader(shard);

const bytesOf = (events: readonly object[], about: Partial<Commit> = {}, id = alice): Uint8Array =>
  encodeCommit({ ...newCommit(userAggregate(id), events, 'one', Date.UTC(2026, 2, 4)), ...about } as Commit);

/**
 * Whether the reader takes it. If so, it gives what `decodeCommit` does, to the last key, and that stands on the subject: the
 * view, too, says of it what it says itself.
 */
function isTaken(bytes: Uint8Array, subject: string): boolean {
  const acceptance = reader.read(bytes, subject);
  if (!acceptance) return false;
  const commit = decodeCommit(bytes);
  assert.equal(aggregateSubject(commit.aggregate, shard), subject);
  assert.equal(JSON.stringify(acceptance.commit()), JSON.stringify(commit));
  const [event] = commit.events as readonly AppointmentAccepted[];
  assert(event);
  assert.deepEqual(
    {
      type: acceptance.type,
      userId: acceptance.userId,
      appointmentId: acceptance.appointmentId(),
      locator: toHex(acceptance.key.locator),
      slotsLeft: acceptance.slotsLeft,
      startBlock: acceptance.startBlock,
      blob: acceptance.blob,
    },
    {
      type: event.type,
      userId: 'id' in commit.aggregate ? commit.aggregate.id : undefined,
      appointmentId: event.appointmentId,
      locator: event.locator,
      slotsLeft: event.slotsLeft,
      startBlock: event.startBlock,
      blob: event.blob.position,
    },
  );
  assert.equal(toHex(acceptance.key.appointmentId), event.appointmentId);
  return true;
}

const text = (alphabet: string, length: number) =>
  fc
    .array(fc.constantFrom(...alphabet), { minLength: length, maxLength: length })
    .map((characters) => characters.join(''));
const hex = (bytes: number) => text('0123456789abcdef', 2 * bytes);
const ZBASE32 = 'ybndrfg8ejkmcpqxot1uwisza345h769';
/** What fits 32 bits, mostly near a limit. */
const u32 = fc.oneof(fc.nat({ max: 0xffffffff }), fc.constantFrom(0, 1, 9, 10, 0xfffffffe, 0xffffffff));
const positive = fc.oneof(fc.integer({ min: 1, max: 10 ** 15 - 1 }), fc.constantFrom(1, 9, 10, 2 ** 32, 10 ** 15 - 1));

const anyEvent = fc.record({
  type: fc.constant('AppointmentAccepted'),
  appointmentId: hex(20),
  locator: hex(16),
  scheme: fc.constantFrom(...SchemeName.options),
  slots: u32,
  slotsLeft: u32,
  startBlock: u32,
  toSelfDelay: u32,
  blob: fc.record({ position: positive, sha256: hex(32), size: positive }),
  userSignature: text(ZBASE32 + ZBASE32.toUpperCase().replace(/\d/g, ''), 104),
  receiptSignature: text(ZBASE32, 104),
});
const anyCommit = fc
  .record({
    user: fc.tuple(fc.constantFrom('02', '03'), hex(32)).map(([sign, x]) => UserId.parse(sign + x)),
    event: anyEvent,
    id: hex(16),
    time: fc.date({
      min: new Date('0000-01-01T00:00:00.000Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    }),
    node: fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme-ascii' }).filter((name) => !/["\\\x7f]/.test(name)),
  })
  .map(({ user, event, id, time, node }) => ({
    user,
    time,
    bytes: bytesOf([event], { id, node, time: time.toISOString() } as Partial<Commit>, user),
  }));

describe('the reader of acceptances', () => {
  test('takes what is stored of one', () => {
    const [stored = ''] = storedEvents.AppointmentAccepted ?? [];
    const { v: _, ...event } = JSON.parse(stored);
    assert.ok(isTaken(bytesOf([event]), subjectOf(alice)));
  });

  test('takes every one that is encoded, but for one of a 29th of February', () => {
    const property = fc.property(anyCommit, ({ user, time, bytes }) => {
      assert.equal(isTaken(bytes, subjectOf(user)), !time.toISOString().includes('-02-29'));
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  test('takes it wherever it lies, and looks at nothing beyond it', () => {
    const bytes = bytesOf([accepted('channel')]);
    for (const before of ['', '{', '"}]}']) {
      const larger = Buffer.concat([Buffer.from(before), bytes, Buffer.from('"}]}')]);
      const within = larger.subarray(before.length, before.length + bytes.length);
      assert.ok(isTaken(within, subjectOf(alice)));
      assert.ok(isTaken(new Uint8Array(within), subjectOf(alice)));
      assert.ok(!isTaken(within.subarray(0, -1), subjectOf(alice)));
      assert.ok(!isTaken(larger.subarray(before.length), subjectOf(alice)));
    }
  });

  test('declines what stands on the subject of another aggregate or shard', () => {
    const bytes = bytesOf([accepted('channel')]);
    const subject = subjectOf(alice);
    const bad = [
      subjectOf(userId('bob')),
      aggregateSubject(userAggregate(alice), 4 as Shard),
      subject.slice(0, -1),
      `${subject}0`,
      subject.replace('user', 'tracker'),
      `argus.3.user.${alice.replace('02', 'é2')}`,
      'argus.chain',
      '',
    ];
    for (const subject of bad) assert.ok(!isTaken(bytes, subject), subject);
    const none = Buffer.from(
      Buffer.from(bytes)
        .toString()
        .replaceAll(alice, `04${alice.slice(2)}`),
    );
    assert.ok(!isTaken(none, subjectOf(`04${alice.slice(2)}` as UserId)));
  });

  test('declines every other commit of a user', () => {
    const others = [[registered()], [ended('channel', 'resolved')], [accepted('one'), accepted('two')]];
    for (const events of others) assert.ok(!isTaken(bytesOf(events), subjectOf(alice)));
  });
});

describe('of bytes that are otherwise, the reader takes none that decodeCommit does not read as it does', () => {
  const whole = Buffer.from(bytesOf([accepted('channel')])).toString();

  test('whatever single byte is another, is missing, or is there twice', () => {
    for (let at = 0; at < whole.length; at++) {
      const [before, here, after] = [whole.slice(0, at), whole.charAt(at), whole.slice(at + 1)];
      for (let byte = 0; byte < 256; byte++)
        isTaken(Buffer.from(`${before}${String.fromCharCode(byte)}${after}`, 'latin1'), subjectOf(alice));
      for (const text of [before, `${before}${after}`, `${before}${here}${here}${after}`])
        isTaken(Buffer.from(text), subjectOf(alice));
    }
  });

  const VALUES = ['0', '00', '01', '-0', '-1', '1.0', '1e1', '1', '9', '4294967295', '4294967296', '"1"', 'null', ''];
  const LARGE = ['999999999999999', '1000000000000000', '9007199254740991', '9007199254740992', '1e15'];
  for (const field of ['slots', 'slotsLeft', 'startBlock', 'toSelfDelay', 'position', 'size', 'v'])
    test(`whatever number "${field}" has`, () => {
      for (const value of [...VALUES, ...LARGE]) {
        const other = whole.replace(new RegExp(`"${field}":\\d+`), `"${field}":${value}`);
        isTaken(Buffer.from(other), subjectOf(alice));
      }
    });

  const TIMES = [
    '2024-02-29T00:00:00.000Z',
    '2023-02-29T00:00:00.000Z',
    '2023-02-28T23:59:59.999Z',
    '2023-04-30T00:00:00.000Z',
    '2023-04-31T00:00:00.000Z',
    '2023-12-31T00:00:00.000Z',
    '2023-00-01T00:00:00.000Z',
    '2023-13-01T00:00:00.000Z',
    '2023-01-00T00:00:00.000Z',
    '2023-01-32T00:00:00.000Z',
    '2023-01-01T24:00:00.000Z',
    '2023-01-01T23:60:00.000Z',
    '2023-01-01T23:59:60.000Z',
    '2023-01-01 23:59:59.000Z',
    '2023-01-01T23:59:59.000z',
    '2023-01-01T23:59:59.0000Z',
    '2023-01-01T23:59:59Z',
    '0000-01-01T00:00:00.000Z',
  ];
  for (const time of TIMES)
    test(`at the time ${time}`, () => {
      isTaken(Buffer.from(whole.replace(/"time":"[^"]+"/, `"time":"${time}"`)), subjectOf(alice));
    });

  test('whatever the node is called', () => {
    for (const node of ['', 'n'.repeat(200), 'n'.repeat(201), 'a\\nb', '\\u0041', 'ä', '\x7f', '\x1f', 'a b', "'"])
      for (const encoding of ['utf8', 'latin1'] as const)
        isTaken(Buffer.from(whole.replace('"node":"one"', `"node":"${node}"`), encoding), subjectOf(alice));
  });

  test('however it is changed, at several places', () => {
    const change = fc.record({
      at: fc.nat({ max: 800 }),
      gone: fc.nat({ max: 3 }),
      byte: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(...Buffer.from('0123456789abcdefzlvZ"\\,:{}[].-+eE '))),
      times: fc.nat({ max: 3 }),
    });
    const property = fc.property(
      anyCommit,
      fc.array(change, { minLength: 1, maxLength: 3 }),
      ({ user, bytes }, changes) => {
        let changed: Uint8Array = bytes;
        for (const { at, gone, byte, times } of changes)
          changed = Buffer.concat([changed.subarray(0, at), Buffer.alloc(times, byte), changed.subarray(at + gone)]);
        isTaken(changed, subjectOf(user));
      },
    );
    fc.assert(property, { numRuns: 20_000 });
  });
});
