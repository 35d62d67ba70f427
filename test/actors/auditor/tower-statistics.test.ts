import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AnswerTimes, spreadOf } from '../../../actors/auditor/answer-times.js';
import type { LogPlace } from '../../../actors/auditor/log-place.js';
import { statisticsOf } from '../../../actors/auditor/tower-statistics.js';
import type { TrackerEvent } from '../../../events/tracker.js';
import { block, chainCommit, connected, disconnected } from '../../fixtures/blocks.js';
import { ofTracker, ofUser, placed } from '../../fixtures/commits.js';
import {
  accepted,
  blob,
  blobRefused,
  breached,
  breachReorgedOut,
  ended,
  outdated,
  penaltyBroadcast,
  penaltyConfirmed,
  penaltyIrrevocable,
  penaltyRefused,
  registered,
  renewed,
  sighted,
} from '../../fixtures/histories.js';
import { appointmentId } from '../../fixtures/ids.js';
import { MemorySource } from '../../support/memory-source.js';

const commits = placed(
  ofUser('alice', registered()),
  ofUser('alice', accepted('one', { slots: 2, slotsLeft: 98 })),
  ofUser('alice', accepted('one', { slots: 3, slotsLeft: 97, blob: blob(2) })),
  ofUser('bob', registered()),
  ofUser('bob', accepted('two', { blob: blob(3) })),
  ofTracker('one', sighted()),
  ofTracker('one', penaltyRefused('policy')),
  ofTracker('one', penaltyBroadcast(1000)),
  ofTracker('one', breached(block(1001))),
  ofTracker('one', penaltyConfirmed(block(1002))),
  ofTracker('one', breachReorgedOut(block(1001))),
  ofTracker('two', breached()),
  ofTracker('two', blobRefused(3)),
  ofUser('bob', ended('two', 'rejected')),
  ofUser('bob', accepted('two', { blob: blob(4) })),
  ofTracker('one', penaltyIrrevocable(1101)),
  ofUser('alice', ended('one', 'resolved', 3)),
  ofUser('alice', renewed({ slots: 200 })),
  ofUser('bob', ended('two', 'expired'), outdated(2006)),
);
const chain = [connected(1000), connected(1001), disconnected(1001), disconnected(1000), connected(1000, 'b')];
const source = new MemorySource(
  chain.map((event, n) => chainCommit(n + 1, event)),
  commits,
);
const over = (after: LogPlace, through: LogPlace) =>
  statisticsOf(source, { after, through }, { signal: new AbortController().signal });
const beginning = { chain: 0, shards: [0] };
const end = { chain: chain.length, shards: [commits.length] };

describe('the statistics of a tower', () => {
  test('count what happened over the whole log', async () => {
    const { users, slots, appointments, breaches, penalties, blocks, at_end } = await over(beginning, end);
    assert.deepEqual(users, { registered: 2, renewed: 1, outdated: 1 });
    assert.deepEqual(slots, { sold: 300, charged: 2 + 1 + 1 + 0, refunded: 3 + 0 + 1 });
    assert.deepEqual(appointments, {
      accepted: 2,
      updated: 2,
      ended: { rejected: 1, resolved: 1, expired: 1 },
    });
    assert.deepEqual(breaches, {
      detected: 2,
      sighted: 1,
      reorged_out: 1,
      found_by: { watcher: 2 },
      blob_refused: { 'does-not-decrypt': 1 },
    });
    assert.deepEqual(penalties, {
      broadcast: 1,
      confirmed: 1,
      irrevocable: 1,
      reorged_out: 0,
      outspent: 0,
      given_up: 0,
      refused: { policy: 1 },
    });
    assert.deepEqual(blocks, { connected: 3, disconnected: 2, reorgs: 1, deepest_reorg: 2 });
    assert.deepEqual(at_end, { height: 1000, users: 1, slots_available: 200, appointments: 0, trackers: 0 });
  });

  test('count over a range what happened in it, knowing what was there before', async () => {
    const { users, slots, appointments } = await over({ chain: 0, shards: [2] }, { chain: 5, shards: [5] });
    assert.deepEqual(users, { registered: 1, renewed: 0, outdated: 0 });
    assert.deepEqual(slots, { sold: 100, charged: 2, refunded: 0 });
    assert.deepEqual(appointments, { accepted: 1, updated: 1, ended: {} });
  });

  test('tell how long a breach waited, also for a confirmation after others', async () => {
    const { answers } = await over(beginning, end);
    assert.deepEqual(answers.detected_to_broadcast_blocks, { count: 1, p50: 1, p90: 1, p99: 1, most: 1 });
    assert.deepEqual(answers.broadcast_to_confirmed_blocks, { count: 1, p50: 2, p90: 2, p99: 2, most: 2 });
    assert.equal(answers.unanswered, 1);
    const later = await over({ chain: 0, shards: [6] }, end);
    assert.equal(later.answers.detected_to_broadcast_ms.count, 0, 'its breach was told of before');
  });
});

describe('answer times', () => {
  test('go from the first word of each to the first of the next, by the clock of the commits', () => {
    const times = new AnswerTimes();
    const take = (event: TrackerEvent, time: number) => times.take(appointmentId('one'), event, time, true);
    take(penaltyBroadcast(), 1);
    take(breached(block(1000)), 10);
    take(penaltyBroadcast(1000), 15);
    take(penaltyConfirmed(block(1002)), 40);
    take(penaltyBroadcast(1005), 99);
    take(penaltyConfirmed(block(1009)), 100);
    const { detected_to_broadcast_ms, broadcast_to_confirmed_ms, detected_to_confirmed_blocks } = times.answers();
    assert.deepEqual(
      [detected_to_broadcast_ms.p50, broadcast_to_confirmed_ms.p50, detected_to_confirmed_blocks.p50],
      [5, 25, 2],
    );
  });

  test('are given by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
    assert.deepEqual(spreadOf(hundred), { count: 100, p50: 50, p90: 90, p99: 99, most: 100 });
    assert.deepEqual(spreadOf([7]), { count: 1, p50: 7, p90: 7, p99: 7, most: 7 });
    assert.deepEqual(spreadOf([]), { count: 0, p50: null, p90: null, p99: null, most: null });
  });
});
