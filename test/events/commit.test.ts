import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ZodError } from 'zod';
import { chainAggregate, scanAggregate, trackerAggregate, userAggregate } from '../../events/aggregate.js';
import { UnknownEventError } from '../../events/codec.js';
import { type Commit, DamagedCommitError, decodeCommit, encodeCommit, newCommit } from '../../events/commit.js';
import { connected, disconnected } from '../fixtures/blocks.js';
import { scanned } from '../fixtures/commits.js';
import { accepted, breached, outdated, penaltyBroadcast, registered } from '../fixtures/histories.js';
import { appointmentId, userId } from '../fixtures/ids.js';

const NOW = Date.UTC(2026, 2, 4, 5, 6, 7, 89);
const ofUser = newCommit(userAggregate(userId('alice')), [registered(), accepted('channel')], 'one', NOW) as Commit;

/** The bytes of a commit with a piece of its text replaced, which must be there. */
function altered(piece: RegExp, by: string, commit = ofUser): Uint8Array {
  const text = Buffer.from(encodeCommit(commit)).toString();
  assert.match(text, piece);
  return Buffer.from(text.replace(piece, by));
}

describe('a commit', () => {
  test('comes back from its bytes as it was, whoever’s it is', () => {
    const commits = [
      newCommit(chainAggregate, [disconnected(100), connected(100, 'b')], 'one', NOW),
      ofUser,
      newCommit(trackerAggregate(appointmentId('channel')), [breached(), penaltyBroadcast()], 'two', NOW),
      newCommit(scanAggregate, [scanned(100)], 'one', NOW),
    ] as Commit[];
    for (const commit of commits) assert.deepEqual(decodeCommit(encodeCommit(commit)), commit);
  });

  test('has an id of its own, and the time in UTC to the millisecond', () => {
    const again = newCommit(userAggregate(userId('alice')), [outdated(1)], 'one', NOW);
    assert.match(again.id, /^[0-9a-f]{32}$/);
    assert.notEqual(again.id, ofUser.id);
    assert.equal(again.time, '2026-03-04T05:06:07.089Z');
  });

  test('may lie anywhere in a larger buffer', () => {
    const bytes = encodeCommit(ofUser);
    const larger = Buffer.concat([Buffer.from('{{{'), bytes, Buffer.from('}}}')]);
    assert.deepEqual(decodeCommit(larger.subarray(3, 3 + bytes.length)), ofUser);
  });

  test('without an event, or with one that is not of its shape, is not encoded', () => {
    assert.throws(() => encodeCommit({ ...ofUser, events: [] } as Commit), TypeError);
    const events = [registered(), { ...accepted('channel'), slots: -1 }];
    assert.throws(() => encodeCommit({ ...ofUser, events } as Commit), ZodError);
  });
});

describe('bytes that are no commit are damage', () => {
  const damaged = (bytes: Uint8Array, message = /./) =>
    assert.throws(
      () => decodeCommit(bytes),
      (error) => error instanceof DamagedCommitError && error.code === 'damaged-commit' && message.test(error.message),
    );

  test('nothing, noise, half of one, another JSON', () => {
    const whole = encodeCommit(ofUser);
    for (const bytes of [Buffer.alloc(0), Buffer.from('\xff\x00'), whole.subarray(0, -1), Buffer.from('[]')])
      damaged(bytes);
  });

  const pieces: [what: string, piece: RegExp, by: string][] = [
    ['no id', /"id":"\w+",/, ''],
    ['an id in upper case', /"id":"\w+"/, `"id":"${'A'.repeat(32)}"`],
    ['no time', /"time":"[^"]+",/, ''],
    ['a time of another zone', /089Z/, '089+01:00'],
    ['no node', /"node":"one"/, '"node":""'],
    ['no events', /"events":.*/, '"events":[]}'],
    ['an event without a version', /"v":1,/, ''],
    ['an event of half a version', /"v":1,/, '"v":0.5,'],
    ['an event without a type', /"type":"\w+",/, ''],
    ['a field beyond its own', /\{/, '{"more":1,'],
  ];
  for (const [what, piece, by] of pieces) test(what, () => damaged(altered(piece, by)));

  const names = [
    '',
    'user',
    'user/',
    `user/04${'a'.repeat(64)}`,
    `tracker/${'a'.repeat(66)}`,
    'chains',
    'CHAIN',
    'scan/1',
  ];
  for (const name of names)
    test(`an aggregate called "${name}"`, () =>
      damaged(altered(/"aggregate":"[^"]+"/, `"aggregate":"${name}"`), /no such aggregate/));

  test('an event with a field missing, wrong or too many', () => {
    damaged(altered(/"slots":100,/, ''), /not a UserRegistered/);
    damaged(altered(/"size":100/, '"size":0'), /not a AppointmentAccepted/);
    damaged(altered(/"blob":/, '"more":1,"blob":'), /not a AppointmentAccepted/);
  });

  test("an event that is another aggregate's", () => {
    damaged(altered(/user\/\w+/, 'chain'), /a UserRegistered among the events of chain/);
    const ofTracker = newCommit(trackerAggregate(appointmentId('channel')), [breached()], 'one', NOW) as Commit;
    const foreign = `,${JSON.stringify({ ...outdated(2006), v: 1 })}]`;
    damaged(altered(/\]/, foreign, ofTracker), /a SubscriptionOutdated among the events of tracker/);
  });
});

describe("a newer node's commit is not damage", () => {
  for (const [what, piece, by] of [
    ['of a newer version', /"v":1/, '"v":99'],
    ['of another type', /UserRegistered/, 'MoonLanded'],
    ["of a type with a name that is JavaScript's own", /UserRegistered/, 'constructor'],
  ] as const)
    test(`an event ${what} says so`, () => assert.throws(() => decodeCommit(altered(piece, by)), UnknownEventError));
});
