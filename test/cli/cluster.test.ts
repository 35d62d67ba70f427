import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { alarmsOf } from '../../actors/alarms.js';
import { NodeReport, type StreamReport } from '../../actors/cluster-wire.js';
import { version } from '../../actors/version.js';
import type { Cluster } from '../../cli/cluster.js';
import { argus } from '../support/argus.js';
import { startNatsProxy } from '../support/nats-proxy.js';
import { cells, whereabouts } from '../support/operator-command.js';
import { startRpcProxy } from '../support/rpc-proxy.js';
import { secretOf } from '../support/shards.js';
import type { Cleanup } from '../support/temp-dir.js';
import { startTestTower, type TestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

describe('argus cluster', () => {
  test('shows the nodes, the streams and, with them, what no node serves', async (t) => {
    const tower = await startTestTower(t, { settings: { 'log.shards': '4', 'log.serve': '0-1' } });
    const two = await tower.startNode('two', { settings: { 'log.serve': '2-3' } });
    for (const node of [tower.node, two]) await untilLevel(() => node, tower.chain);
    const clients = await Promise.all(
      [0, 3].map((shard) => tower.newClient('rust', { secretKey: secretOf(shard, 4) })),
    );
    for (const client of clients) await client.register();
    const { ask, asked } = operatorOf(t, tower);

    const { nodes, silent, streams, alarms } = await until('level', () => ask(({ nodes }) => nodes.every(isLevel)));
    assert.deepEqual(
      nodes.map(({ node, version, state, tower_shards, shards }) => [
        node,
        version,
        state,
        tower_shards,
        numbersOf(shards),
      ]),
      [
        ['one', version, 'ready', 4, [0, 1]],
        ['two', version, 'ready', 4, [2, 3]],
      ],
    );
    assert.deepEqual([silent, alarms], [[], []]);
    const height = await tower.chain.height();
    for (const { chain, shards, bitcoind } of nodes) {
      assert.deepEqual([chain.height, chain.hash], [height, await tower.chain.tip()]);
      assert.ok(shards.every(({ scanned_height }) => scanned_height === height));
      assert.match(String(bitcoind.version), /^\/Satoshi:\d+\./);
      assert.deepEqual(
        [bitcoind.reachable, bitcoind.height, bitcoind.peers, bitcoind.pruned],
        [true, height, 0, false],
      );
    }
    const names = [
      'CHAIN',
      'TXIDS',
      'CHECKPOINTS',
      'POLICY',
      ...[0, 1, 2, 3].flatMap((shard) => [`TOWER_${shard}`, `BLOBS_${shard}`]),
    ];
    assert.ok(names.every((name) => streams.some(({ stream }) => stream === name)));
    for (const { leader, replicas, replicas_current, messages, bytes } of streams)
      assert.ok(leader !== null && replicas === 1 && replicas_current === 1 && messages !== null && bytes !== null);

    const lines = (await asked('cluster')).stdout.split('\n');
    assert.deepEqual(cells(lines[0]).slice(0, 5), ['NODE', 'VERSION', 'STATE', 'SERVES', 'COMMITS BEHIND']);
    assert.deepEqual(cells(lines[1]).slice(0, 7), ['one', version, 'ready', '0-1', '0', `${height}`, `${height}`]);
    assert.deepEqual(cells(lines[2]).slice(0, 4), ['two', version, 'ready', '2-3']);
    assert.deepEqual(cells(lines[4]).slice(0, 4), ['STREAM', 'MESSAGES', 'BYTES', 'COPIES']);
    assert.ok(lines.some((line) => /^TOWER_3 .* 1 of 1 /.test(line)));
    assert.ok(!lines.some((line) => line.startsWith('ALARM')));

    await two.stop();
    const alone = await asked('cluster');
    assert.equal(alone.status, 0, 'it could ask');
    assert.match(alone.stdout, /\n\nALARM no node serves shards 2-3: requests of their users are refused\n$/);
    assert.match((await asked('info')).stdout, /\nALARM no node answers for shards 2-3\n$/);
    const users = await asked('users');
    assert.deepEqual(users, {
      status: 1,
      stdout: `${clients[0]?.userId}\n`,
      stderr: 'argus: no node answers for shards 2-3: what is there is not listed\n',
    });
    const listed = await asked('appointments');
    assert.equal(listed.status, 1);
    assert.match(listed.stdout, /^APPOINTMENT /);
  });

  test('shows a new node as it replays, and when it is ready', async (t) => {
    const tower = await startTestTower(t, { settings: { 'log.shards': '2', 'log.serve': '0' } });
    const line = await startNatsProxy(t, tower.nats.port);
    const { ask } = operatorOf(t, tower);
    const held = line.holdDeliveries();
    const starting = tower.startNode('two', { natsUrl: line.url, settings: { 'log.serve': '1' } });
    const { nodes, alarms } = await until('it is there', () => ask(({ nodes }) => nodes.length === 2));
    const [one, two] = nodes;
    assert.deepEqual([one?.state, two?.state, two?.chain.position], ['ready', 'replaying', 0]);
    assert.ok(Number(two?.chain.tail) > 0);
    assert.deepEqual(alarms, ['no node serves shard 1: requests of their users are refused']);

    held.release();
    await starting;
    const ready = await until('ready', () =>
      ask(({ nodes }) => nodes.every((node) => node.state === 'ready' && isLevel(node))),
    );
    assert.deepEqual(ready.alarms, []);
  });

  test('shows a node whose bitcoind is stuck, and one that is there and says nothing', async (t) => {
    const tower = await startTestTower(t);
    const rpc = await startRpcProxy(t, tower.bitcoind.rpcUrl);
    rpc.set('hold');
    const bitcoind = { ...tower.bitcoind, rpcUrl: rpc.url };
    await tower.startNode('stuck', { bitcoind });
    const line = await startNatsProxy(t, tower.nats.port);
    await tower.startNode('mute', { natsUrl: line.url });
    const { ask, asked } = operatorOf(t, tower);
    await until('all are level', () => ask(({ nodes }) => nodes.length === 3 && nodes.every(isLevel)));
    const losing = line.lose(/ argus\.operator\.v1\.nodes /);
    const { nodes, silent, alarms } = (await ask()) ?? assert.fail();
    assert.ok(losing.count() > 0);
    assert.deepEqual([nodes.map(({ node }) => node), silent], [['one', 'stuck'], ['mute']]);
    assert.deepEqual(
      nodes.map(({ bitcoind }) => bitcoind.reachable),
      [true, false],
    );
    assert.deepEqual(alarms, ['node mute is there, but does not answer', 'bitcoind of node stuck does not answer']);
    assert.match((await asked('cluster')).stdout, /^stuck .* away /m);
  });

  test('fails only if there is nobody to ask', async (t) => {
    const tower = await startTestTower(t, { begin: false });
    const { status, stderr } = await operatorOf(t, tower).asked('cluster');
    assert.equal(status, 1);
    assert.match(stderr, /^argus: no tower answers at nats:.*\n$/);
  });
});

describe('there is an alarm', () => {
  const stream = (more: Partial<StreamReport> = {}): StreamReport => ({
    stream: 'TOWER_0',
    leader: 'n1',
    messages: 5,
    bytes: 500,
    replicas: 3,
    replicas_current: 3,
    peers: [
      { name: 'n2', current: true, offline: false, lag: 0 },
      { name: 'n3', current: true, offline: false, lag: 0 },
    ],
    ...more,
  });
  const node = (more: object = {}): NodeReport =>
    NodeReport.parse({
      node: 'one',
      version: '1.0.0',
      state: 'ready',
      uptime_seconds: 1,
      nats_server: 'n1',
      tower_shards: 1,
      shards: [{ shard: 0, state: 'ready', position: 5000, tail: 5001, scanned_height: 99 }],
      chain: { position: 10, tail: 10, height: 100, hash: null },
      bitcoind: { reachable: true, version: '/x/', height: 99, peers: 3, pruned: false },
      ...more,
    });
  const shard = (more: object) => ({ shards: [{ ...node().shards[0], ...more }] });
  const alarms = (nodes: readonly NodeReport[], streams: readonly StreamReport[] = [stream()]) =>
    alarmsOf({ nodes, silent: [] }, streams);

  test('for nothing while a node is a block or some commits behind, or replays', () => {
    assert.deepEqual(alarms([node()]), []);
    assert.deepEqual(alarms([node(), node({ node: 'two', state: 'replaying', ...shard({ position: 3 }) })]), []);
  });

  for (const [name, more, said] of [
    ['a node far behind the log', shard({ position: 3000 }), 'node one is 2001 commits behind the log'],
    [
      'a node that does not see its blocks scanned',
      shard({ scanned_height: 97 }),
      'node one has not seen block 100 scanned for shard 0',
    ],
    ['a node without a log', shard({ tail: null }), 'node one gets no answer from a stream of the log'],
    [
      'a bitcoind that is behind',
      { bitcoind: { ...node().bitcoind, height: 98 } },
      'bitcoind of node one is at block 98, the log at 100',
    ],
    ['a shard that nobody serves', { tower_shards: 2 }, 'no node serves shard 1: requests of their users are refused'],
    [
      'a shard that is served only by a node that stops',
      { state: 'stopping' },
      'no node serves shard 0: requests of their users are refused',
    ],
  ] as const)
    test(`for ${name}`, () => {
      assert.deepEqual(alarms([node(more)]), [said]);
    });

  test('for two nodes of one name', () => {
    assert.deepEqual(alarms([node(), node()]), ['several nodes are called one: the log does not tell them apart']);
  });

  test('for a stream without a leader, or with a copy that is behind or gone', () => {
    const gone = { name: 'n3', current: false, offline: true, lag: 7 };
    assert.deepEqual(alarms([node()], [stream({ replicas_current: 2, peers: [gone] })]), [
      'stream TOWER_0 has 2 of 3 copies up to date (not n3)',
    ]);
    assert.deepEqual(alarms([node()], [stream({ leader: null, replicas: null, replicas_current: null, peers: [] })]), [
      'stream TOWER_0 has no leader that answers: nothing can be put on it',
    ]);
  });
});

const numbersOf = (shards: NodeReport['shards']) => shards.map(({ shard }) => shard);

/** Whether a node has folded all that is on the log, and says so. */
const isLevel = ({ chain, shards }: NodeReport): boolean =>
  [chain, ...shards].every(({ position, tail }) => position === tail);

function operatorOf(t: Cleanup, tower: TestTower) {
  const where = whereabouts(t, tower);
  const asked = (command: string, ...flags: string[]) => argus([command, ...flags, ...where]);
  /** What is said with `--json`, if it is so. */
  const ask = async (isSo = (_: Cluster) => true): Promise<Cluster | undefined> => {
    const { status, stdout, stderr } = await asked('cluster', '--json');
    assert.deepEqual([status, stderr], [0, '']);
    const cluster: Cluster = JSON.parse(stdout);
    return isSo(cluster) ? cluster : undefined;
  };
  return { asked, ask };
}
