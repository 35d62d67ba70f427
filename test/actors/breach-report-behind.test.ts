import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportBreach, type Sighting } from '../../actors/breach-report.js';
import { Transactor } from '../../actors/runtime/transact.js';
import type { ShardCommit } from '../../events/commit.js';
import { towerStream } from '../../events/log/streams.js';
import { Fold } from '../../projections/fold.js';
import { ShardState } from '../../projections/shard-state.js';
import { block, chainCommit, connected, connectedUpTo, disconnected, windowOf } from '../fixtures/blocks.js';
import { accepted, dispute } from '../fixtures/histories.js';
import { userId } from '../fixtures/ids.js';
import { shard, startTestLog } from '../support/log.js';

test('a node that is behind the log’s chain asks that before it contradicts what others said of a dispute', async (t) => {
  const { log } = await startTestLog(t);
  const fold = new Fold<ShardCommit, ShardState>(log, towerStream(shard), shard, new ShardState(), assert.fail);
  t.after(() => fold.stop());
  // As far as this node has folded it. The log has left block 1001 since, and to be level is to know that.
  const state = windowOf(connectedUpTo(999, 1001));
  const left = chainCommit(2, disconnected(1001), connected(1001, 'b', { chainwork: 1002, parent: 'a' }));
  const level = async () => {
    if (state.position < left.position) state.apply(left);
    return left.position;
  };
  const needs = { transactor: new Transactor(shard, log, fold, 'test'), chain: { state, level } };
  const hit = { ...accepted('channel'), userId: userId('alice') };
  const report = (where: Sighting['block']) =>
    reportBreach(needs, { hit, disputeTxid: dispute, block: where, foundBy: 'watcher' });

  assert.equal(await report(block(1000)), true);
  assert.ok(state.isBest(block(1001)), 'nobody had to ask for the first of an appointment');
  assert.equal(await report(block(1001)), false);
  assert.equal(await log.tail(towerStream(shard)), 1);
  assert.equal(await report(block(1001, 'b')), true, 'it moved there');
});
