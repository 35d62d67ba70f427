import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asClient, overNats } from '../../actors/client/nats-courier.js';
import { makeAppointment, TowerClient } from '../../actors/client/tower-client.js';
import type { TowerNode } from '../../actors/node.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { HeadStore } from '../../events/log/heads.js';
import { EventLog } from '../../events/log/log.js';
import { stateDigest } from '../../projections/state-digest.js';
import { txid } from '../fixtures/ids.js';
import { argus } from '../support/argus.js';
import { shard } from '../support/log.js';
import { startTestCluster } from '../support/nats-cluster.js';
import { tempDir } from '../support/temp-dir.js';
import { isInMempool, secretKey, startTestTower, untilLevel } from '../support/tower.js';
import { stopForGood, trimmingOf, untilSigned, untilUnread } from '../support/trim-command.js';
import { until } from '../support/until.js';
import { whereaboutsOf } from '../support/whereabouts.js';

test('a trimmed log is brought to three servers, goes on there, and is trimmed again with three replicas', async (t) => {
  const tower = await startTestTower(t, { settings: { 'snapshots.every': '0' } });
  const cluster = await startTestCluster(t, { keys: tower.nats });
  const identity = { towerId: tower.key.towerId, secretKey: secretKey(), timeoutMs: 50_000 };
  const before = new TowerClient(overNats(await tower.nats.connect('public')), identity);
  const layout = { network: 'regtest', towerId: tower.key.towerId, shards: 1, replicas: 1 };
  const [channel] = await openChannels(tower.chain, 1);
  const breach = buildBreach(channel ?? assert.fail());
  await untilLevel(() => tower.node, tower.chain);
  await before.register();
  const first = await before.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  const update = (client: TowerClient, name: string, size: number) =>
    client.addAppointment(makeAppointment('rust', txid(name), new Uint8Array(size), 144));
  for (let size = 50; size < 55; size++) await update(before, 'one', size);
  const mineAll = async (node: () => TowerNode) => {
    for (let block = 0; block < 18; block++) {
      await tower.chain.mine(1);
      await untilLevel(node, tower.chain);
    }
  };
  await mineAll(() => tower.node);
  await untilSigned(tower);
  const old = await before.getProof(first);
  const alone = trimmingOf(t, tower);
  assert.equal((await alone.archive()).status, 0);
  await stopForGood(tower, layout);
  const once = await alone.trim();
  assert.equal(once.status, 0, once.stderr);
  const state = async (jsm: Awaited<ReturnType<typeof jsmOf>>) => (await jsm.streams.info('TOWER_0')).state;
  const jsmOf = async (connect: typeof cluster.connect) => (await connect()).jetstreamManager({ timeout: 20_000 });
  const there = await state(await (await tower.nats.connect('node')).jetstreamManager());
  assert.ok(there.messages < there.last_seq);

  const { where } = whereaboutsOf(t, cluster);
  const moved = await argus(['migrate', '--from', tower.nats.url, '--replicas', '3', '--yes', ...where]);
  assert.equal(moved.status, 0, moved.stderr);
  assert.match(moved.stdout, /copied TRIMS_0\n/);
  const jsm = await jsmOf(cluster.connect);
  const { messages, first_seq, last_seq } = await state(jsm);
  assert.deepEqual([messages, first_seq, last_seq], [there.messages, there.first_seq, there.last_seq]);
  const own = { natsUrl: cluster.url, settings: { data: tempDir(t), 'snapshots.every': '0' } };
  const three = await tower.startNode('three', own);
  const after = new TowerClient(overNats(await cluster.connect(asClient())), identity);
  assert.equal((await after.getSubscriptionInfo()).locators.length, 2);
  for (let size = 60; size < 65; size++) await update(after, 'two', size);
  await mineAll(() => three);
  const heads = new HeadStore(await EventLog.open(await cluster.connect()));
  await until('it is signed', async () => (await heads.last(shard))?.head.treeSize === three.shards[0]?.scanVersion);
  const digest = three.shards[0] && stateDigest(three.shards[0]);
  const together = trimmingOf(t, tower, cluster.url, alone.folder);
  assert.equal((await together.archive()).status, 0);
  await three.stop();
  await untilUnread(jsm, layout);
  const twice = await together.trim();
  assert.equal(twice.status, 0, twice.stderr);
  assert.match(twice.stdout, new RegExp(`^TOWER_0 +\\d+ +\\d+ +${last_seq}$`, 'm'));
  const rebuilt = await jsm.streams.info('TOWER_0');
  assert.equal(rebuilt.config.num_replicas, 3);
  const current = rebuilt.cluster?.replicas?.filter((peer) => peer.current);
  assert.equal(current?.length, 2);

  const four = await tower.startNode('four', { natsUrl: cluster.url, settings: { data: tempDir(t) } });
  await untilLevel(() => four, tower.chain);
  assert.equal(four.shards[0] && stateDigest(four.shards[0]), digest, 'the very same state');
  await after.register();
  await tower.chain.mineOnly([breach.disputeTx]);
  await until('answered', () => isInMempool(tower, breach.penaltyTxid));
  await tower.chain.mine(1);
  await untilLevel(() => four, tower.chain);
  const late = await update(after, 'three', 70);
  await tower.chain.mine(1);
  await until('a proof from a head before both cuts', async () => {
    const proof = await after.getProof(late, old.proof.head).catch(() => undefined);
    return proof?.older?.treeSize === old.proof.head.treeSize;
  });
  const audited = await argus([
    'audit',
    'verify',
    '--archive',
    alone.folder,
    '--tower',
    tower.key.towerId,
    ...together.auditor,
  ]);
  assert.equal(audited.status, 0, audited.stdout + audited.stderr);
});
