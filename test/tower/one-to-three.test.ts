import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asClient, overNats } from '../../actors/client/nats-courier.js';
import { makeAppointment, TowerClient } from '../../actors/client/tower-client.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import {
  blobStream,
  CHAIN,
  CHECKPOINTS,
  POLICY,
  SNAPSHOTS_STREAM,
  TXIDS,
  towerStream,
} from '../../events/log/streams.js';
import { txid } from '../fixtures/ids.js';
import { argus } from '../support/argus.js';
import { shard } from '../support/log.js';
import { startTestCluster } from '../support/nats-cluster.js';
import { policyOf } from '../support/policy.js';
import { tempDir } from '../support/temp-dir.js';
import { isInMempool, secretKey, startTestTower } from '../support/tower.js';
import { until } from '../support/until.js';
import { whereaboutsOf } from '../support/whereabouts.js';

const STREAMS = [TXIDS, CHECKPOINTS, POLICY, towerStream(shard), blobStream(shard), SNAPSHOTS_STREAM, CHAIN];

test("a tower's log is brought from one server to three, with every position, and the tower goes on there", async (t) => {
  const tower = await startTestTower(t, { settings: { 'snapshots.every': '4' } });
  const cluster = await startTestCluster(t, { keys: tower.nats });
  const identity = { towerId: tower.key.towerId, secretKey: secretKey() };
  const before = new TowerClient(overNats(await tower.nats.connect('public')), identity);
  await before.register();
  await (await policyOf(tower)).allow(before.userId);
  const [channel] = await openChannels(tower.chain, 1);
  const breach = buildBreach(channel ?? assert.fail());
  const small = makeAppointment('rust', txid('small'), new Uint8Array(50), 144);
  await before.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  await before.addAppointment(small);
  await before.addAppointment({ ...small, encryptedBlob: new Uint8Array(60) }); // erases the blob before it: a gap
  const old = await (await tower.nats.connect('node')).jetstreamManager();
  const statesOf = (jsm: typeof old) =>
    Promise.all(STREAMS.map(async (name) => ({ ...(await jsm.streams.info(name)).state, consumer_count: 0 })));
  await until('the gap', async () => (await old.streams.info(blobStream(shard))).state.num_deleted === 1);
  const said = (wanted: string) => tower.said.some(({ msg, stream }) => msg === wanted && stream === 'TOWER_0');
  await until('a snapshot for other nodes', () => said('a snapshot is shared'));

  const { where } = whereaboutsOf(t, cluster);
  const move = (...more: string[]) =>
    argus(['migrate', '--from', tower.nats.url, '--replicas', '3', ...more, ...where]);
  const busy = await move('--yes');
  assert.equal(busy.status, 1);
  assert.match(busy.stderr, /^argus: a node is at work on nats:\/\/127\.0\.0\.1:\d+: stop every node there/);
  await tower.stopNode();
  const isRead = async (name: string) => (await old.streams.info(name)).state.consumer_count > 0;
  await until('nobody reads', async () => !(await Promise.all(STREAMS.map(isRead))).includes(true));

  const dry = await move('--dry-run');
  assert.deepEqual([dry.status, dry.stderr], [0, '']);
  assert.match(dry.stdout, /^7 streams to be copied from nats:.*\nSTREAM +MESSAGES +BYTES\nTXIDS +\d/);
  const tooMany = await move('--yes', '--replicas', '5');
  assert.equal(tooMany.status, 1);
  assert.match(
    tooMany.stderr,
    /^argus: TXIDS could not be copied: .*no suitable peers.* empty those of the new ones, and begin again\n$/,
  );
  const moved = await move('--yes');
  assert.deepEqual([moved.status, moved.stderr], [0, ''], moved.stdout);
  assert.match(moved.stdout, /copied CHAIN\n.*as it should be\n[\s\S]*3 copies of every stream, all current\n$/);
  const jsm = await (await cluster.connect()).jetstreamManager();
  assert.deepEqual(await statesOf(jsm), await statesOf(old));
  assert.equal((await move('--yes')).status, 0, 'what is copied is not copied again');

  await tower.startNode('three', { natsUrl: cluster.url, settings: { data: tempDir(t) } });
  assert.ok(said('begins with a snapshot'));
  const after = new TowerClient(overNats(await cluster.connect(asClient())), {
    ...identity,
    timeoutMs: 50_000,
  });
  assert.equal((await after.getSubscriptionInfo()).locators.length, 2);
  await tower.chain.mineOnly([breach.disputeTx]);
  await until('answered', () => isInMempool(tower, breach.penaltyTxid));
  const sharings = () =>
    tower.said.filter(({ msg, stream }) => msg === 'a snapshot is shared' && stream === 'TOWER_0').length;
  await tower.chain.mine(8); // each is a commit that tells of its scan
  await until('the next snapshot, on three servers', () => sharings() > 1);
  const late = await move('--yes');
  assert.equal(late.status, 1);
  assert.match(late.stderr, /^argus: there is another \w+\. A log is copied to servers whose stores are empty/);
});
