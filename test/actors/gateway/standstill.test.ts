import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
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
  const pings: (() => void)[] = [];
  const node = standstill(t, () => new Promise<void>((resolve) => pings.push(resolve)));
  assert.equal(node.isRecent, false);
  standStill(3_100);
  assert.equal(node.isRecent, true);
  await sleep(1_000);
  assert.equal(node.isRecent, true);
  for (const answer of pings) answer();
  await until('it goes on', () => !node.isRecent);
});

test('who has no answer from NATS takes what it hears for old, until a ping that was sent later is answered', async (t) => {
  const pings: (() => void)[] = [];
  const node = standstill(t, () => new Promise<void>((resolve) => pings.push(resolve)));
  await until('it noticed', () => node.isRecent);
  await sleep(1_000);
  pings[0]?.(); // which was sent too long ago
  await sleep(1);
  assert.equal(node.isRecent, true);
  pings.at(-1)?.();
  await until('it goes on', () => !node.isRecent);
});

test('with its connection goes what was on it', async (t) => {
  const pings: ((lost: Error) => void)[] = [];
  const node = standstill(t, () => new Promise<void>((_, reject) => pings.push(reject)));
  await until('it noticed', () => node.isRecent);
  for (const lose of pings) lose(new Error('disconnected'));
  await until('it goes on', () => !node.isRecent);
});

test('a clock that looks first does not make it fresh, and NATS being away does not hold it up', async (t) => {
  const node = standstill(t, async () => assert.fail('away'));
  standStill(3_100);
  await sleep(1); // its clock, due before, goes off before
  assert.equal(node.isRecent, true);
  await until('it goes on', () => !node.isRecent);
});

test('who was only busy did not stand still', (t) => {
  const node = standstill(t, async () => {});
  standStill(500);
  assert.equal(node.isRecent, false);
});
