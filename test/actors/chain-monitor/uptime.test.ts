import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Uptime } from '../../../actors/chain-monitor/uptime.js';

/** What is said of each look, given as bitcoind's uptime and the time of our clock, both in seconds. */
const looks = (...pairs: [uptime: number, now: number][]) => {
  const uptime = new Uptime();
  return pairs.map(([seconds, now]) => uptime.isOfAnotherRun(seconds, 1000 * now));
};

test('the first look tells nothing, and the same run goes on as our clock does', () => {
  assert.deepEqual(looks([100, 5000], [110, 5010.9], [110, 5011], [3710, 8611]), [false, false, false, false]);
});

test('an uptime that is too short is another run, once', () => {
  assert.deepEqual(looks([100, 5000], [1, 5010], [11, 5020]), [false, true, false]);
  assert.deepEqual(looks([6, 5000], [9, 5010]), [false, true], 'longer than before, and yet too short');
});

test('so is one that is too long: another bitcoind answers in its place', () => {
  assert.deepEqual(looks([100, 5000], [9000, 5010], [9010, 5020]), [false, true, false]);
});
