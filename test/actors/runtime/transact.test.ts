import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transactor } from '../../../actors/runtime/transact.js';
import { scanAggregate } from '../../../events/aggregate.js';
import type { ShardCommit } from '../../../events/commit.js';
import { LogUnavailableError } from '../../../events/log/errors.js';
import { towerStream } from '../../../events/log/streams.js';
import type { ScanEvent } from '../../../events/scan.js';
import { Fold } from '../../../projections/fold.js';
import { ShardState } from '../../../projections/shard-state.js';
import { scanned } from '../../fixtures/commits.js';
import { shard, startTestLog } from '../../support/log.js';

test('what was decided too late is not appended, also after a conflict', async (t) => {
  const { log } = await startTestLog(t);
  const fold = new Fold<ShardCommit, ShardState>(log, towerStream(shard), shard, new ShardState(), assert.fail);
  t.after(() => fold.stop());
  const transactor = new Transactor(shard, log, fold, 'test');
  const decide = (patience: number, decision: () => ScanEvent, versionOf = (state: ShardState) => state.scanVersion) =>
    transactor.transact({
      aggregate: scanAggregate,
      read: (state) => ({ state: undefined, version: versionOf(state) }),
      decide: () => ({ outcome: 'done', events: [decision()] }),
      patience,
    });
  const slowly = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  assert.equal(await decide(10_000, () => scanned(1)), 'done');
  const late = decide(100, () => {
    slowly(150);
    return scanned(2);
  });
  await assert.rejects(late, LogUnavailableError);
  assert.equal(await log.tail(towerStream(shard)), 1);

  // Decided on what is old, so there is a conflict; this process stands still before it can decide again.
  let decisions = 0;
  const conflicting = decide(
    2_000,
    () => {
      if (decisions++ > 0) slowly(2_100);
      return scanned(3);
    },
    (state) => (decisions === 0 ? 0 : state.scanVersion),
  );
  await assert.rejects(conflicting, LogUnavailableError);
  assert.equal(decisions, 2);
  assert.equal(await log.tail(towerStream(shard)), 1);
});
