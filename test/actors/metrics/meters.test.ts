import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Meters } from '../../../actors/metrics/meters.js';
import { Recent } from '../../../actors/metrics/recent.js';
import { blockHash, txid } from '../../fixtures/ids.js';

async function readings(meters: Meters): Promise<(series: string) => number | undefined> {
  const lines = (await meters.registry.metrics()).split('\n');
  return (series) => {
    const line = lines.find((each) => each.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };
}

test('requests are counted by what became of them, and timed if they were granted', async () => {
  const meters = new Meters();
  meters.requestBegan();
  meters.requestBegan();
  meters.requestEnded('add_appointment', 'granted', 20);
  assert.equal(meters.requestsUnderWay, 1);
  meters.requestEnded('add_appointment', 'rate-limited', 900);
  const of = await readings(meters);
  assert.equal(of('argus_requests_total{operation="add_appointment",outcome="granted"}'), 1);
  assert.equal(of('argus_requests_total{operation="add_appointment",outcome="rate-limited"}'), 1);
  assert.equal(of('argus_requests_total{operation="register",outcome="granted"}'), 0);
  assert.equal(of('argus_request_duration_seconds_count{operation="add_appointment"}'), 1);
  assert.equal(of('argus_request_duration_seconds_sum{operation="add_appointment"}'), 0.02);
});

test('requests that a door refused are counted with the others, and were never under way', async () => {
  const meters = new Meters();
  meters.requestBegan();
  meters.requestEnded('register', 'unavailable', 3);
  meters.requestsRefused('register', 'unavailable', 40);
  const of = await readings(meters);
  assert.equal(of('argus_requests_total{operation="register",outcome="unavailable"}'), 41);
  assert.equal(meters.requestsUnderWay, 0);
});

test('appends that the log did not take are counted, and say nothing of how long one takes', async () => {
  const meters = new Meters();
  meters.appended('appended', 2);
  meters.appended('conflict', 4);
  meters.appended('failed', 4_000);
  const of = await readings(meters);
  assert.equal(of('argus_appends_total{outcome="failed"}'), 1);
  assert.equal(of('argus_append_duration_seconds_count'), 2);
  assert.equal(of('argus_append_duration_seconds_sum'), 0.006);
});

test('a penalty is timed once, from its block, unless its appointment came late or nobody saw the block come', async () => {
  let now = 0;
  const meters = new Meters(() => now);
  meters.blockSeen(blockHash('one'));
  now = 20;
  meters.blockSeen(blockHash('one'));
  meters.penaltyTaken(txid('penalty'), txid('dispute'), blockHash('one'));
  now = 600_000;
  meters.penaltyTaken(txid('penalty'), txid('dispute'), blockHash('one'));
  meters.cameLate(txid('late'));
  meters.penaltyTaken(txid('late penalty'), txid('late'), blockHash('one'));
  meters.penaltyTaken(txid('another'), txid('other'), blockHash('two'));
  const of = await readings(meters);
  assert.equal(of('argus_block_to_broadcast_seconds_count'), 1);
  assert.equal(of('argus_block_to_broadcast_seconds_sum'), 0.02);
});

test('what is remembered for it is bounded', () => {
  const recent = new Recent<number, number>(3);
  for (const n of [1, 2, 3, 1, 4]) recent.set(n, n);
  assert.deepEqual(
    [1, 2, 3, 4].map((n) => recent.has(n)),
    [true, false, true, true],
  );
});
