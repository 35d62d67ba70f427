import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { txid } from '../fixtures/ids.js';
import { argus } from '../support/argus.js';
import { whereabouts } from '../support/operator-command.js';
import { startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

const Cluster = z.looseObject({
  nodes: z.array(z.looseObject({ node: z.string(), draining: z.boolean() })),
  alarms: z.array(z.string()),
});

test('a node is drained, takes requests again, and is stopped, by its operator from afar', async (t) => {
  const anywhere = { 'http.listen': '127.0.0.1:0', 'metrics.listen': '127.0.0.1:0' };
  const tower = await startTestTower(t, { settings: anywhere });
  const two = await tower.startNode('two');
  await untilLevel(() => two, tower.chain);
  const where = whereabouts(t, tower);
  const asked = async (...args: string[]) => argus([...args, ...where]);
  const cluster = async () => Cluster.parse(JSON.parse((await asked('cluster', '--json')).stdout));
  const client = await tower.newClient();
  await client.register();
  const add = (name: string) => client.addAppointment(makeAppointment('rust', txid(name), new Uint8Array(50), 144));
  const ready = async () => (await fetch(`${tower.node.metricsUrl}/ready`)).text();
  const ping = () => fetch(`${tower.node.httpUrls[0]}/ping`).then(({ status }) => status);

  assert.deepEqual(await asked('drain'), {
    status: 2,
    stdout: '',
    stderr: 'argus: say which node: there are one, two\n',
  });
  const nobody = await asked('drain', 'three');
  assert.deepEqual([nobody.status, nobody.stderr], [1, 'argus: no node three answers; there are one, two\n']);

  assert.equal((await asked('drain', 'one')).stdout, 'one takes no requests; it goes on watching\n');
  assert.equal(await ready(), 'draining\n');
  await until('HTTP is shut', () =>
    ping().then(
      () => false,
      () => true,
    ),
  );
  for (const name of ['a', 'b', 'c', 'd']) await add(name);
  const drained = await cluster();
  assert.deepEqual(
    drained.nodes.map(({ node, draining }) => [node, draining]),
    [
      ['one', true],
      ['two', false],
    ],
  );
  assert.deepEqual(drained.alarms, ['node one takes no requests: it is draining']);
  assert.match((await asked('cluster')).stdout, /\none +\S+ +ready, draining /);
  await tower.chain.mine(1);
  await untilLevel(() => tower.node, tower.chain);

  assert.match((await asked('limits')).stdout, /\nmax_users +100000 +1 +all\n/);
  const limits = JSON.parse((await asked('limits', '--json')).stdout).limits;
  assert.deepEqual(
    limits.find(({ limit }: { limit: string }) => limit === 'subscription_slots'),
    { limit: 'subscription_slots', value: 10000, nodes: ['one', 'two'], used: null },
  );

  // What is set holds on every node, and on one that is started later; in the end it is each node's own again.
  const tight = await asked('limits', 'max_users=1', 'user_requests_per_second=1');
  assert.match(tight.stdout, /\nmax_users +1 +1 +all\n/);
  const newcomer = await tower.newClient();
  await assert.rejects(newcomer.register(), { reason: 'user-limit-reached' });
  await assert.rejects(Promise.all(Array.from({ length: 30 }, () => client.getSubscriptionInfo())), {
    reason: 'rate-limited',
  });
  await tower.startNode('three');
  assert.match((await asked('limits')).stdout, /\nmax_users +1 +1 +all\n/);
  assert.equal((await asked('stop', 'three')).status, 0);
  await asked('limits', 'max_users=own', 'user_requests_per_second=own');
  await newcomer.register();
  const unknown = await asked('limits', 'max_blobs=1');
  assert.equal(unknown.status, 2);
  assert.match(
    unknown.stderr,
    /^argus: no limit max_blobs can be changed; there are max_appointments, max_slots_per_user, /,
  );

  await asked('drain', 'two');
  const alone = await tower.newClient('rust', { timeoutMs: 500 });
  await assert.rejects(alone.register(), { code: 'tower-unavailable' });
  assert.match((await asked('undrain', 'two', '--json')).stdout, /"draining":false/);
  await alone.register();

  const last = await asked('stop', '--all');
  assert.equal(last.status, 1);
  assert.match(
    last.stderr,
    /^argus: No other node of this tower is ready: nobody will watch\. Stop one, two\? Say --yes\n$/,
  );
  const stopped = await asked('stop', 'two');
  assert.deepEqual(stopped, {
    status: 0,
    stdout: 'two ends; it waits for what it is appending\ntwo is gone\n',
    stderr: '',
  });
  await assert.rejects(add('e'), 'the other one is drained still');
  await asked('undrain', 'one');
  assert.equal(await ready(), 'ready\n');
  await until('HTTP is open', () =>
    ping().then(
      (status) => status === 200,
      () => false,
    ),
  );
  await add('e');
  assert.equal((await asked('stop', '--yes', '--json')).stdout, '{"node":"one","stopped":true}\n');
});
