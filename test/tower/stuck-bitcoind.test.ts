import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildBreach } from '../../cli/demo/channel.js';
import { trackerAggregate } from '../../events/aggregate.js';
import { fromHex } from '../../events/bytes.js';
import { EventLog } from '../../events/log/log.js';
import { appointmentId } from '../../events/signing/appointment.js';
import { shard } from '../support/log.js';
import { openChannel } from '../support/mempool.js';
import { startRpcProxy } from '../support/rpc-proxy.js';
import { isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

test('a node whose bitcoind is stuck follows the chain on the log, and penalties go out through another node’s bitcoind', async (t) => {
  const tower = await startTestTower(t);
  const rpc = await startRpcProxy(t, tower.bitcoind.rpcUrl);
  rpc.set('hold');
  const stuck = await tower.startNode('stuck', { bitcoind: { ...tower.bitcoind, rpcUrl: rpc.url } });
  const breach = buildBreach(await openChannel(tower.chain));
  const client = await tower.newClient();
  await client.register();
  const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);

  await tower.chain.mineOnly([breach.disputeTx]);
  await until('answered', () => isInMempool(tower, breach.penaltyTxid));
  await untilLevel(() => stuck, tower.chain);
  assert.ok(rpc.asked.length > 0, 'it has asked its bitcoind, which never answers');
  const log = await EventLog.open(await tower.nats.connect('node'));
  const sent = await until('recorded', async () => {
    const commits = await log.load(trackerAggregate(appointmentId(locator, client.userId)), shard);
    return commits.find(({ events }) => events.some(({ type }) => type === 'PenaltyBroadcast'));
  });
  assert.equal(sent.node, 'one');
  await tower.chain.mine(100);
  for (const node of [tower.node, stuck]) await untilLevel(() => node, tower.chain);
  await until('over', async () => (await client.getSubscriptionInfo()).locators.length === 0);
  assert.deepEqual(tower.gaveUp, []);
});
