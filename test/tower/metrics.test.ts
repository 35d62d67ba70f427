import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAppointment } from '../../actors/client/tower-client.js';
import type { TowerNode } from '../../actors/node.js';
import { txid } from '../fixtures/ids.js';
import { secretOf } from '../support/shards.js';
import { startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

const SHARDS = 2;
const anywhere = { 'metrics.listen': '127.0.0.1:0' };
const get = (node: TowerNode, path: string, method = 'GET') =>
  fetch(`${node.metricsUrl ?? assert.fail('no metrics')}${path}`, { method });

/** The value of a series, as it is written: `argus_shard_users{shard="0"}`. */
async function readingOf(node: TowerNode, series: string): Promise<number | undefined> {
  const answer = await get(node, '/metrics');
  assert.equal(answer.status, 200);
  const line = (await answer.text()).split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

test('metrics tell how a node is, and of the whole tower what it holds and what nobody serves', async (t) => {
  const settings = { ...anywhere, 'log.shards': String(SHARDS), 'log.serve': '0' };
  const tower = await startTestTower(t, { settings });
  const one = tower.node;
  const two = await tower.startNode('two', { settings: { 'log.serve': '1' } });
  for (const node of [one, two]) await untilLevel(() => node, tower.chain);
  const client = await tower.newClient('rust', { secretKey: secretOf(1, SHARDS) });
  await client.register();
  await client.addAppointment(makeAppointment('rust', txid('one'), new Uint8Array(50), 144));
  const values = async (...series: string[]) => Promise.all(series.map((each) => readingOf(one, each)));

  const served = ['argus_unserved_shards', 'argus_shard_served{shard="0"}', 'argus_shard_served{shard="1"}'];
  assert.deepEqual(await values(...served), [0, 1, 1]);
  const held = [0, 1].flatMap((shard) => ['users', 'appointments'].map((of) => `argus_shard_${of}{shard="${shard}"}`));
  assert.deepEqual(await values(...held), [0, 0, 1, 1]);
  const height = await tower.chain.height();
  assert.deepEqual(
    await values('argus_chain_height', 'argus_bitcoind_height', 'argus_bitcoind_reachable', 'argus_node_ready'),
    [height, height, 1, 1],
  );
  assert.deepEqual(
    await values('argus_node_shard_ready{shard="0"}', 'argus_node_shard_commits_behind{shard="0"}'),
    [1, 0],
  );
  assert.equal(await readingOf(one, 'argus_node_shard_ready{shard="1"}'), undefined, 'it does not serve that one');
  const appends = (await (await get(one, '/metrics')).text()).match(/^# TYPE argus_node_shard_appends_total (\w+)$/m);
  assert.equal(appends?.[1], 'counter');
  assert.ok(((await readingOf(one, 'argus_node_shard_appends_total{shard="0"}')) ?? 0) > 0);
  assert.ok(((await readingOf(one, 'process_resident_memory_bytes')) ?? 0) > 1e6);

  const granted = '{operation="add_appointment",outcome="granted"}';
  const sums = await Promise.all([one, two].map((node) => readingOf(node, `argus_requests_total${granted}`)));
  assert.ok((sums[0] ?? 0) + (sums[1] ?? 0) >= 1, 'by whichever node heard it');
  assert.deepEqual(
    await values('argus_zmq_connected{topic="hashblock"}', 'argus_chain_lag_blocks', 'argus_node_draining'),
    [1, 0, 0],
  );
  const before = (await readingOf(one, 'argus_chain_last_block_age_seconds')) ?? -1;
  assert.ok(before >= 0 && before < 3_600 * 24 * 365, `${before} by bitcoind's word`);
  await tower.chain.mine(1);
  await untilLevel(() => one, tower.chain);
  assert.ok(((await readingOf(one, 'argus_chain_last_block_age_seconds')) ?? -1) >= 0, "by the log's word");
  assert.ok(((await readingOf(one, 'argus_zmq_silent_seconds{topic="hashblock"}')) ?? -1) >= 0);
  assert.ok(((await readingOf(one, 'argus_node_disk_free_bytes')) ?? 0) > 0);
  assert.equal(await readingOf(one, 'argus_shard_waiting_trackers{shard="0",waits_for="burial"}'), 0);

  await two.stop();
  assert.deepEqual(await values(...served), [1, 1, 0]);
  assert.equal(await readingOf(one, 'argus_shard_users{shard="1"}'), undefined, 'nobody knows');
  await assert.rejects(get(two, '/health'));
});

test('health and readiness are what they say, and nothing else is shown', async (t) => {
  const tower = await startTestTower(t, { settings: anywhere });
  const says = async (path: string, method = 'GET') => {
    const answer = await get(tower.node, path, method);
    return [answer.status, await answer.text()];
  };
  assert.deepEqual(await says('/health'), [200, 'ok\n']);
  assert.deepEqual(await says('/ready'), [200, 'ready\n']);
  assert.deepEqual(await says('/ready', 'HEAD'), [200, '']);
  assert.deepEqual(await says('/metrics', 'POST'), [405, 'only GET\n']);
  assert.deepEqual(await says('/'), [404, 'there are /metrics, /health and /ready\n']);
  await tower.nats.stop();
  await until('not ready', async () => (await says('/ready'))[0] === 503);
  assert.deepEqual(await says('/ready'), [503, 'no connection to NATS\n']);
  assert.deepEqual(await says('/health'), [200, 'ok\n']);
  assert.equal((await get(tower.node, '/metrics')).status, 200, 'what is known without the log is still shown');
});

test('an address that is taken is told with its setting', async (t) => {
  const tower = await startTestTower(t, { settings: anywhere });
  const taken = new URL(tower.node.metricsUrl ?? '').host;
  await assert.rejects(tower.startNode('two', { settings: { 'metrics.listen': taken } }), {
    code: 'metrics-address',
    message: `cannot listen on ${taken}: another program listens there (see metrics.listen)`,
  });
});
