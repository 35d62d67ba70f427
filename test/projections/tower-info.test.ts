import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ShardState } from '../../projections/shard-state.js';
import { heldAppointments, towerNumbers } from '../../projections/tower-info.js';
import { block } from '../fixtures/blocks.js';
import { ofTracker, ofUser, placed, type Unplaced } from '../fixtures/commits.js';
import { accepted, blobRefused, breached, ended, outdated, registered } from '../fixtures/histories.js';
import { locator } from '../fixtures/ids.js';

function shard(...commits: Unplaced[]): ShardState {
  const state = new ShardState();
  for (const commit of placed(...commits)) state.apply(commit);
  return state;
}

test('the tower in numbers is the sum of its shards', () => {
  const one = shard(
    ofUser('alice', registered(), accepted('one'), accepted('two'), accepted('three')),
    ofTracker('one', breached(block(1000), { locator: locator('one') })),
  );
  const two = shard(ofUser('bob', registered(), accepted('four')), ofUser('carol', registered()));
  assert.deepEqual(towerNumbers([one, two]), { users: 3, watched: 3, trackers: 1 });
  assert.equal(heldAppointments([one, two]), 4);
});

test('a tower without shards, or with empty ones, has nothing', () => {
  assert.deepEqual(towerNumbers([]), { users: 0, watched: 0, trackers: 0 });
  assert.deepEqual(towerNumbers([shard(), shard()]), { users: 0, watched: 0, trackers: 0 });
});

test('a breach that ended is neither watched nor answered', () => {
  const history = [ofUser('alice', registered(), accepted('one')), ofTracker('one', breached(), blobRefused(1))];
  const over = shard(...history, ofUser('alice', ended('one', 'rejected')));
  assert.deepEqual(towerNumbers([over]), { users: 1, watched: 0, trackers: 0 });
});

test('a breach that came after its appointment expired takes nothing from those that are watched', () => {
  const late = shard(
    ofUser('alice', registered(), accepted('one'), ended('one', 'expired'), outdated(2010)),
    ofTracker('one', breached()),
  );
  assert.deepEqual(towerNumbers([late]), { users: 0, watched: 0, trackers: 1 });
});
