import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { asClient, overNats } from '../../actors/client/nats-courier.js';
import { makeAppointment, TowerClient } from '../../actors/client/tower-client.js';
import { readConfig } from '../../actors/config.js';
import { TowerNode } from '../../actors/node.js';
import { towerKey } from '../../actors/secrets.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { fromHex } from '../../events/bytes.js';
import { StreamDriftError } from '../../events/log/stream-drift.js';
import { towerStream } from '../../events/log/streams.js';
import { txid } from '../fixtures/ids.js';
import { again } from '../support/again.js';
import { argus } from '../support/argus.js';
import { startTestBitcoind } from '../support/bitcoind.js';
import { shard } from '../support/log.js';
import { startTestCluster } from '../support/nats-cluster.js';
import { isInMempool, secretKey, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';
import { whereaboutsOf } from '../support/whereabouts.js';

test('a tower with one copy of its log is given three while it works, and then outlives the server that had the one', async (t) => {
  let node: TowerNode | undefined;
  t.after(() => node?.stop()); // before its servers
  const [cluster, bitcoind] = await Promise.all([startTestCluster(t), startTestBitcoind(t)]);
  const chain = new RegtestChain(bitcoind.rpc);
  await chain.mine(110);
  const { data, where } = whereaboutsOf(t, cluster);
  const key = towerKey(`${data}/tower.key`);
  const logger = pino({ level: process.env.ARGUS_TEST_LOG ?? 'silent' });
  const gaveUp: Error[] = [];
  const startNode = (settings: Record<string, string> = {}) => {
    const flags = {
      network: 'regtest',
      data,
      'bitcoind.url': bitcoind.rpcUrl,
      'bitcoind.cookie_file': bitcoind.cookieFile,
      'bitcoind.zmq_hashblock': bitcoind.zmqUrl,
      'http.listen': 'off',
      ...settings,
    };
    const options = { key, natsSeed: cluster.nodeSeed, natsUrl: cluster.url, logger };
    const giveUp = (error: Error) => void gaveUp.push(error);
    return TowerNode.start({ ...options, config: readConfig({ env: {}, flags }), giveUp });
  };
  const started = await startNode();
  node = started;
  await untilLevel(() => started, chain);
  const nc = await cluster.connect(asClient());
  const client = new TowerClient(overNats(nc), { towerId: key.towerId, secretKey: secretKey(), timeoutMs: 50_000 });
  await again(() => client.register());
  const [channel] = await openChannels(chain, 1);
  const breach = buildBreach(channel ?? assert.fail());
  await again(() => client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144));
  const jsm = await (await cluster.connect()).jetstreamManager();
  const clusterOf = async () => (await jsm.streams.info(towerStream(shard)).catch(() => undefined))?.cluster;
  const only = (await clusterOf())?.leader;

  await t.test('with nothing lost of what is entrusted to it meanwhile', async () => {
    let isOver = false;
    const migration = argus(['migrate', '--replicas', '3', '--yes', ...where]).finally(() => {
      isOver = true;
    });
    let accepted = 1;
    for (; !isOver; accepted++)
      await again(() => client.addAppointment(makeAppointment('rust', txid(`${accepted}`), new Uint8Array(50), 144)));
    const { status, stdout, stderr } = await migration;
    assert.deepEqual([status, stderr], [0, ''], stdout);
    assert.match(stdout, /changed CHAIN num_replicas\n[\s\S]*3 copies of every stream, all current\n$/);
    assert.equal((await clusterOf())?.replicas?.length, 2);
    assert.equal((await again(() => client.getSubscriptionInfo())).locators.length, accepted);
    const repeated = await argus(['migrate', '--yes', ...where]);
    assert.deepEqual([repeated.status, repeated.stderr], [0, '']);
    assert.match(
      repeated.stdout,
      /every setting of its streams is as it should be\n3 copies of every stream, all current\n$/,
    );
  });

  await t.test('but not five, where there are three servers', async () => {
    const { status, stdout, stderr } = await argus(['migrate', '--replicas', '5', '--yes', ...where]);
    assert.deepEqual([status, stderr], [1, 'argus: 7 of 7 settings could not be changed\n']);
    assert.match(stdout, /refused CHAIN num_replicas: .*no suitable peers/);
  });

  await t.test('after which a node that is told of one does not start', async () => {
    await assert.rejects(startNode({ 'log.replicas': '1' }), (error) => {
      assert.ok(error instanceof StreamDriftError);
      assert.ok(error.differences.includes('CHAIN: num_replicas is 3, not 1'));
      return true;
    });
  });

  await t.test('and answers a breach without that server', async () => {
    const lost = cluster.servers.find((_, i) => `n${i}` === only) ?? assert.fail(only);
    await lost.kill();
    await chain.mineOnly([breach.disputeTx]);
    await until('answered', () => isInMempool({ bitcoind }, breach.penaltyTxid));
    assert.deepEqual(gaveUp, []);
  });

  await t.test('while its third copies are said to be away', async () => {
    const { status, stdout, stderr } = await argus(['migrate', '--yes', '--timeout', '1', ...where]);
    assert.equal(status, 1, stdout);
    assert.match(stderr, /TOWER_0: 2 of 3 copies current, 1 being made, unmade or away; NATS goes on with it\n/);
  });
});
