import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { Standstill } from '../../../actors/gateway/standstill.js';
import type { Cleanup } from '../../support/temp-dir.js';
import { until } from '../../support/until.js';

const standstill = (t: Cleanup, ping: () => Promise<void>): Standstill => {
  const standstill = new Standstill(ping, pino({ level: 'silent' }));
  t.after(() => standstill.stop());
  return standstill;
};

/** Nothing of this process goes on meanwhile. */
const standStill = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

test('who stood still takes what it hears for old until NATS has answered a ping', async (t) => {
  let answer: () => void = () => {};
  let pings = 0;
  const node = standstill(t, () => {
    pings++;
    return new Promise<void>((resolve) => {
      answer = resolve;
    });
  });
  assert.equal(node.isRecent, false);
  standStill(3_100);
  assert.equal(node.isRecent, true);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.equal(node.isRecent, true);
  answer();
  await until('it goes on', () => !node.isRecent);
  assert.equal(pings, 1);
});

test('a clock that looks first does not make it fresh, and NATS being away does not hold it up', async (t) => {
  const node = standstill(t, async () => assert.fail('away'));
  standStill(3_100);
  await new Promise((resolve) => setTimeout(resolve, 1)); // its clock, due before, goes off before
  assert.equal(node.isRecent, true);
  await until('it goes on', () => !node.isRecent);
});

test('who was only busy did not stand still', (t) => {
  const node = standstill(t, async () => {});
  standStill(500);
  assert.equal(node.isRecent, false);
});
