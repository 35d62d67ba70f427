import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrackerEvent } from '../../events/tracker.js';
import { evolveTracker, isLive, noTracker } from '../../projections/tracker.js';
import { isStuck, waitingOf } from '../../projections/waiting.js';
import { block, height } from '../fixtures/blocks.js';
import {
  breached,
  breachReorgedOut,
  penaltyBroadcast,
  penaltyConfirmed,
  penaltyOutspent,
  penaltyRefused,
  penaltyReorgedOut,
} from '../fixtures/histories.js';

/** given these events / what is waited for, since which height / and from which height on it is called stuck, if ever. */
const CASES: [events: TrackerEvent[], waitsFor: string, since: number, stuckFrom?: number][] = [
  [[breached()], 'broadcast', 1000, 1006],
  [[breached(), penaltyRefused('policy', { height: height(1002) })], 'policy', 1002, 1006],
  [[breached(), penaltyRefused('unknown')], 'unknown', 1000, 1006],
  [[breached(), penaltyBroadcast(1001)], 'block', 1001, 1007],
  [[breached(), penaltyBroadcast(1001), penaltyRefused('policy', { height: height(1004) })], 'policy', 1004, 1007],
  [[breached(), penaltyBroadcast(1001), breachReorgedOut()], 'dispute', 1000, 1007],
  [[breached(), penaltyBroadcast(1001), penaltyConfirmed(block(1002))], 'burial', 1002],
  [
    [breached(), penaltyBroadcast(1001), penaltyConfirmed(block(1010)), penaltyReorgedOut(block(1010))],
    'block',
    1010,
    1016,
  ],
  [[breached(), penaltyOutspent(block(1003))], 'outspend-burial', 1003],
];

for (const [events, waitsFor, since, stuckFrom] of CASES)
  test(`after ${events.map(({ type }) => type).join(', ')}, ${waitsFor} is waited for since ${since}`, () => {
    const state = events.reduce(evolveTracker, noTracker());
    assert.ok(isLive(state));
    assert.deepEqual(waitingOf(state), { for: waitsFor, since });
    for (const at of [1000, 1005, 1006, 1007, 1015, 1016, 2000])
      assert.equal(isStuck(state, height(at)), stuckFrom !== undefined && at >= stuckFrom, `at ${at}`);
  });
