import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import pino from 'pino';
import { asClient, overNats } from '../../actors/client/nats-courier.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import { readConfig } from '../../actors/config.js';
import { TowerNode } from '../../actors/node.js';
import { streamReports } from '../../actors/operator-desk/stream-report.js';
import { towerKey } from '../../actors/secrets.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { fromHex } from '../../events/bytes.js';
import { EventLog } from '../../events/log/log.js';
import { towerStream } from '../../events/log/streams.js';
import { again } from '../support/again.js';
import { startTestBitcoind } from '../support/bitcoind.js';
import { shard } from '../support/log.js';
import { startTestCluster } from '../support/nats-cluster.js';
import { tempDir } from '../support/temp-dir.js';
import { isInMempool, secretKey, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

test('a tower on a cluster of three NATS servers goes on when one of them is lost, also the one that leads', async (t) => {
  const bitcoind = await startTestBitcoind(t);
  const chain = new RegtestChain(bitcoind.rpc);
  await chain.mine(110);
  let node: TowerNode | undefined;
  t.after(() => node?.stop()); // before its servers
  const cluster = await startTestCluster(t);
  const { servers } = cluster;
  const data = tempDir(t);
  const key = towerKey(join(data, 'tower.key'));
  const config = readConfig({
    env: {},
    flags: {
      network: 'regtest',
      data,
      'log.replicas': '3',
      'http.listen': 'off',
      'bitcoind.url': bitcoind.rpcUrl,
      'bitcoind.cookie_file': bitcoind.cookieFile,
      'bitcoind.zmq_hashblock': bitcoind.zmqUrl,
    },
  });
  const gaveUp: Error[] = [];
  const logger = pino({ level: process.env.ARGUS_TEST_LOG ?? 'silent' });
  const options = { config, key, natsSeed: cluster.nodeSeed, logger };
  const natsUrl = servers[0]?.url ?? '';
  const started = await TowerNode.start({ ...options, natsUrl, giveUp: (error) => gaveUp.push(error) });
  node = started;
  await untilLevel(() => started, chain);
  const nc = await cluster.connect(asClient());
  const client = new TowerClient(overNats(nc), { towerId: key.towerId, secretKey: secretKey(), timeoutMs: 50_000 });
  await again(() => client.register());
  const channels = await openChannels(chain, 2);
  const log = await EventLog.open(await cluster.connect());

  const leaderOf = async (stream: string) => {
    const { cluster } = await until('a leader', () => log.jsm.streams.info(stream).catch(() => undefined));
    return servers.find((_, i) => `n${i}` === cluster?.leader);
  };
  for (const [i, lose] of [async () => servers[0], () => leaderOf(towerStream(shard))].entries()) {
    const channel = channels[i] ?? assert.fail();
    const breach = buildBreach(channel);
    await again(() => client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144));
    const lost = (await lose()) ?? assert.fail();
    await lost.kill();
    await chain.mineOnly([breach.disputeTx]);
    await until('answered', () => isInMempool({ bitcoind }, breach.penaltyTxid));
    assert.equal((await again(() => client.getSubscriptionInfo())).locators.length, i + 1);
    const copies = async () => {
      const [{ leader, replicas, replicas_current: current } = assert.fail()] = await streamReports(log.jsm, [
        towerStream(shard),
      ]);
      return leader === null ? undefined : `${current} of ${replicas}`;
    };
    await until('the operator sees it', async () => (await copies()) === '2 of 3');
    await lost.restart();
    await until('whole again', async () => (await copies()) === '3 of 3');
  }
  assert.deepEqual(gaveUp, []);
});
