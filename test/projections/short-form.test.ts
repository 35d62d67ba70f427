import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AcceptanceReader } from '../../events/acceptance.js';
import { aggregateSubject } from '../../events/aggregate.js';
import { encodeCommit } from '../../events/commit.js';
import type { Shard } from '../../events/ids.js';
import { ShardState } from '../../projections/shard-state.js';
import { block, height } from '../fixtures/blocks.js';
import { ofScan, ofTracker, ofUser, placed, scanned, type Unplaced } from '../fixtures/commits.js';
import { accepted, blob, blobRefused, breached, ended, outdated, registered, swept } from '../fixtures/histories.js';
import { locator, userId } from '../fixtures/ids.js';

describe('a commit that is folded from its short form', () => {
  const shard = 0 as Shard;
  const names = fc.constantFrom('one', 'two', 'three');
  const user = fc.constantFrom('alice', 'bob');
  const reason = fc.constantFrom('resolved', 'expired', 'rejected');
  const about = fc.record({ slotsLeft: fc.nat({ max: 200 }), startBlock: fc.nat({ max: 2000 }).map(height) });
  const step: fc.Arbitrary<Unplaced> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(user, names, fc.integer({ min: 1, max: 50 }), about)
        .map(([user, name, at, more]) => ofUser(user, accepted(name, { blob: blob(at), ...more }))),
    },
    user.map((user) => ofUser(user, registered())),
    fc.tuple(user, names, reason).map(([user, name, why]) => ofUser(user, ended(name, why))),
    user.map((user) => ofUser(user, outdated(2006))),
    fc.tuple(user, fc.nat({ max: 50 })).map(([user, through]) => ofUser(user, swept(through + 1))),
    names.map((name) => ofTracker(name, breached(block(1000), { locator: locator(name) }))),
    fc.tuple(names, fc.integer({ min: 1, max: 50 })).map(([name, at]) => ofTracker(name, blobRefused(at))),
    fc.constant(ofScan(scanned(1000))),
  );

  test('leaves the same state behind, after whatever came before', () => {
    let short = 0;
    const property = fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const [whole, other] = [new ShardState(), new ShardState()];
      const reader = new AcceptanceReader(shard);
      for (const commit of placed(...steps)) {
        whole.apply(commit);
        const acceptance = reader.read(encodeCommit(commit), aggregateSubject(commit.aggregate, shard));
        if (acceptance) other.accept(acceptance, commit.position);
        else other.apply(commit);
        short += Number(acceptance !== undefined);
        assert.equal(JSON.stringify(other), JSON.stringify(whole));
        assert.deepEqual([other.unfinished(), other.counts], [whole.unfinished(), whole.counts]);
      }
    });
    fc.assert(property, { numRuns: 300 });
    assert.ok(short > 1_000);
  });

  test('changes nothing that was given out before', () => {
    const state = new ShardState();
    for (const commit of placed(ofUser('alice', registered()), ofUser('alice', accepted('one')))) state.apply(commit);
    const [before, [all]] = [state.user(userId('alice')), Array.from(state.users())];
    const [, , commit] = placed(ofScan(), ofScan(), ofUser('alice', accepted('two', { slotsLeft: 7 })));
    assert(commit);
    const subject = aggregateSubject(commit.aggregate, shard);
    const acceptance = new AcceptanceReader(shard).read(encodeCommit(commit), subject);
    assert(acceptance);
    const is = structuredClone(before);
    state.accept(acceptance, 3);
    assert.deepEqual([before, all], [is, [userId('alice'), is]]);
    assert.deepEqual(state.user(userId('alice')), { state: { ...is.state, slots: 7 }, version: 3 });
  });
});
