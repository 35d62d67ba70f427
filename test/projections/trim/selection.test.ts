import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AcceptanceReader } from '../../../events/acceptance.js';
import { aggregateSubject } from '../../../events/aggregate.js';
import { encodeCommit, type Recorded, type ShardCommit } from '../../../events/commit.js';
import { type Shard, TowerId } from '../../../events/ids.js';
import { ShardState } from '../../../projections/shard-state.js';
import { TrimSelection } from '../../../projections/trim/selection.js';
import { identityOf } from '../../../projections/user.js';
import { block, height } from '../../fixtures/blocks.js';
import { ofScan, ofTracker, ofUser, placed, scanned, type Unplaced } from '../../fixtures/commits.js';
import {
  accepted,
  blob,
  blobRefused,
  breached,
  deleted,
  ended,
  outdated,
  penaltyBroadcast,
  penaltyIrrevocable,
  registered,
  renewed,
  sighted,
} from '../../fixtures/histories.js';
import { locator } from '../../fixtures/ids.js';
import { randomHistory } from '../../fixtures/random-histories.js';

const shard = 0 as Shard;
const later = TowerId.parse(`02${'11'.repeat(32)}`);

/** Scans of so many blocks: what is before them is not of late any more. */
const blocks = (count: number, from = 5000): Unplaced[] =>
  Array.from({ length: count }, (_, n) => ofScan(scanned(from + n)));

/** The positions that matter of these commits, read in their short form where they have one. */
function selected(commits: readonly Recorded<ShardCommit>[]): number[] {
  const selection = new TrimSelection();
  const reader = new AcceptanceReader(shard);
  for (const commit of commits) {
    const acceptance = reader.read(encodeCommit(commit), aggregateSubject(commit.aggregate, shard));
    if (acceptance) selection.accept(acceptance, commit.position);
    else selection.apply(commit);
  }
  return Array.from(selection.kept());
}

function folded(commits: readonly Recorded<ShardCommit>[]): ShardState {
  const state = new ShardState();
  for (const commit of commits) state.apply(commit);
  return state;
}

/** What matters of commits, once 20 blocks are behind them; what is folded of it is what is folded of all. */
function keptOf(...commits: Unplaced[]): number[] {
  const all = placed(...commits, ...blocks(20));
  const kept = selected(all);
  assert.deepEqual(folded(all.filter(({ position }) => kept.includes(position))).toJSON(), folded(all).toJSON());
  return kept.filter((position) => position <= commits.length);
}

describe('what matters of a log', () => {
  const users = fc.constantFrom('alice', 'bob');
  const names = fc.nat({ max: 5 }).map((n) => `${n}`);
  const reasons = fc.constantFrom('resolved', 'expired', 'rejected');
  /** One event at a time, as towers nearly always write them, and few breaches. */
  const step: fc.Arbitrary<Unplaced> = fc.oneof(
    {
      weight: 30,
      arbitrary: fc
        .record({ user: users, name: names, at: fc.integer({ min: 1, max: 50 }), slotsLeft: fc.nat({ max: 90 }) })
        .map(({ user, name, at, slotsLeft }) =>
          ofUser(user, accepted(`${user} ${name}`, { blob: blob(at), slotsLeft })),
        ),
    },
    {
      weight: 20,
      arbitrary: fc
        .tuple(users, names, reasons)
        .map(([user, name, why]) => ofUser(user, ended(`${user} ${name}`, why))),
    },
    {
      weight: 5,
      arbitrary: fc.tuple(users, names).map(([user, name]) => ofUser(user, deleted(`${user} ${name}`))),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(users, fc.constantFrom(undefined, later))
        .map(([user, identity]) => ofUser(user, registered(identity && { identity }))),
    },
    { weight: 2, arbitrary: users.map((user) => ofUser(user, outdated(2006))) },
    {
      weight: 6,
      arbitrary: fc
        .record({ user: users, name: names, at: fc.integer({ min: 1, max: 50 }), what: fc.nat({ max: 2 }) })
        .map(({ user, name, at, what }) => {
          const about = { locator: locator(`${user} ${name}`) };
          const events = [breached(block(1000), about), { ...sighted(1000), ...about }, blobRefused(at)];
          return ofTracker(`${user} ${name}`, events[what] ?? blobRefused(at));
        }),
    },
    fc.constant(ofScan(scanned(1000))),
  );
  const likely = fc
    .array(step, { maxLength: 150, size: 'max' })
    .map((steps) => [ofUser('alice', registered()), ...steps]);

  for (const [name, histories, least] of [
    ['events come', likely, 0.3],
    ['unlikely events come', randomHistory(150), 0.001],
  ] as const)
    test(`gives the very state that all of it gives, whatever ${name}`, () => {
      let [dropped, total] = [0, 0];
      const property = fc.property(histories, randomHistory(10), (history, more) => {
        const all = placed(...history, ...blocks(20));
        const kept = new Set(selected(all));
        const whole = folded(all);
        const rest = folded(all.filter(({ position }) => kept.has(position)));
        assert.equal(JSON.stringify(rest), JSON.stringify(whole));
        assert.deepEqual([rest.unfinished(), rest.counts], [whole.unfinished(), whole.counts]);
        // And so does whatever comes after it.
        for (const [n, place] of more.entries())
          for (const state of [rest, whole]) state.apply(place(all.length + n + 1));
        assert.equal(JSON.stringify(rest), JSON.stringify(whole));
        total += all.length;
        dropped += all.length - kept.size;
      });
      fc.assert(property, { numRuns: 400 });
      assert.ok(dropped > total * least, `${dropped} of ${total}`);
    });

  test('is who signs for a user, also of one whose subscription ran out', () => {
    const came = [accepted('channel', { slotsLeft: 99 }), ended('channel', 'expired'), outdated(2006)] as const;
    const history = [ofUser('alice', registered({ identity: later })), ...came.map((event) => ofUser('alice', event))];
    const all = placed(...history, ofUser('alice', registered({ identity: later })), ...blocks(20));
    for (const commits of [placed(...history, ...blocks(20)), all]) {
      const kept = selected(commits);
      const [[, { state } = {}] = []] = folded(commits.filter(({ position }) => kept.includes(position))).users();
      assert.equal(state && identityOf(state), later);
    }
  });

  test('is not what came and went, but who it was of, and what is left to them', () => {
    const two = [ofUser('alice', accepted('one')), ofUser('alice', accepted('two', { slotsLeft: 90 }))];
    const end = ofUser('alice', ended('one', 'expired'));
    assert.deepEqual(keptOf(ofUser('alice', registered()), ...two, end, ofUser('alice', renewed())), [1, 3, 5]);
    assert.deepEqual(keptOf(ofUser('alice', registered()), ...two, end), [1, 3, 4], 'what was given back since');
    const out = ofUser('alice', ended('two', 'expired'), outdated(2006));
    assert.deepEqual(keptOf(ofUser('alice', registered()), ...two, end, out), [1, 5]);
  });

  test('is of an appointment how it came, its newest version, and how it ended as long as that is remembered', () => {
    const begin = [ofUser('alice', registered()), ofUser('alice', accepted('one'))];
    const update = (at: number) => ofUser('alice', accepted('one', { blob: blob(at), slotsLeft: at }));
    const after = ofUser('alice', renewed());
    assert.deepEqual(keptOf(...begin, update(20), update(30), update(40), after), [1, 2, 5, 6]);
    const end = ofUser('alice', deleted('one'));
    assert.deepEqual(keptOf(...begin, update(20), update(30), end, after), [1, 2, 4, 5, 6]);
    assert.deepEqual(keptOf(...begin, update(20), end, after, ofUser('alice', outdated(2006))), [1, 5, 6]);
  });

  test('is all of a breach', () => {
    const answer = [
      breached(block(1000), { locator: locator('one') }),
      penaltyBroadcast(1000),
      penaltyIrrevocable(1100),
    ];
    const begin = [ofUser('alice', registered()), ofUser('alice', accepted('one'))];
    const answered = answer.map((event) => ofTracker('one', event));
    const resolved = ofUser('alice', ended('one', 'resolved'));
    assert.deepEqual(keptOf(...begin, ...answered, resolved, ofUser('alice', outdated(2006))), [1, 2, 3, 4, 5, 6, 7]);
  });

  test('is of scans what is remembered, and blocks that nobody could read', () => {
    const gap = ofScan({ type: 'BlockUnread', ...block(100) });
    const long = [gap, ofScan(scanned(101)), ofScan(scanned(100)), ...blocks(4_100, 200)];
    const all = placed(...long);
    const kept = selected(all);
    assert.equal(
      JSON.stringify(folded(all.filter(({ position }) => kept.includes(position)))),
      JSON.stringify(folded(all)),
    );
    assert.deepEqual(kept.slice(0, 3), [1, 3, long.length - 4_031]);
    assert.equal(kept.length, 4_034);
  });

  test('is all that is of late', () => {
    const begin = [ofUser('alice', registered()), ofUser('alice', accepted('one', { startBlock: height(7) }))];
    const all = placed(...begin, ofUser('alice', ended('one', 'expired')), ofUser('alice', renewed()), ...blocks(15));
    assert.equal(selected(all).length, all.length);
  });
});
