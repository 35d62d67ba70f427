import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { ShardState } from '../../projections/shard-state.js';
import { stateDigest } from '../../projections/state-digest.js';
import { connectedUpTo, windowOf } from '../fixtures/blocks.js';
import { ofScan, ofTracker, ofUser, placed, scanned } from '../fixtures/commits.js';
import { accepted, breached, registered } from '../fixtures/histories.js';

const history = () =>
  placed(ofUser('alice', registered(), accepted('a')), ofTracker('a', breached()), ofScan(scanned(1000)));

function fold(commits = history()): ShardState {
  const state = new ShardState();
  for (const commit of commits) state.apply(commit);
  return state;
}

const sha256 = (state: object): string => createHash('sha256').update(JSON.stringify(state)).digest('hex');

describe('the digest of a folded state', () => {
  test('is that of its JSON', () => {
    for (const state of [new ShardState(), fold(), windowOf(connectedUpTo(100, 110))])
      assert.equal(stateDigest(state), sha256(state));
    for (const told of [{}, { a: [], b: undefined, c: { d: [1] } }, [1, 2].join(), null])
      assert.equal(stateDigest({ toJSON: () => told }), sha256({ toJSON: () => told }));
  });

  test('is the same for the same history, and another for each step of it', () => {
    assert.equal(stateDigest(fold()), stateDigest(fold()));
    const steps = [0, 1, 2, 3].map((count) => stateDigest(fold(history().slice(0, count))));
    assert.equal(new Set(steps).size, 4);
  });
});
