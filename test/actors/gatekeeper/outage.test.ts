import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildBreach, openChannels } from '../../../cli/demo/channel.js';
import { fromHex } from '../../../events/bytes.js';
import { startTestTower, untilLevel } from '../../support/tower.js';
import { until } from '../../support/until.js';

test('a breach during an outage is answered, although its subscription was over when the tower came back', async (t) => {
  const tower = await startTestTower(t, { settings: { 'subscription.duration': '40', 'subscription.grace': '2' } });
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  await untilLevel(() => tower.node, tower.chain);
  const client = await tower.newClient();
  await client.register();
  const breach = buildBreach(channel);
  await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);

  await tower.stopNode();
  await tower.chain.mine(20);
  await tower.chain.send(breach.disputeTx);
  await tower.chain.mine(40);
  await tower.restartNode();

  await untilLevel(() => tower.node, tower.chain);
  await until('the penalty is in the mempool', async () =>
    ((await tower.bitcoind.rpc.call('getrawmempool')) as string[]).includes(breach.penaltyTxid),
  );
  assert.deepEqual(tower.gaveUp, []);
});
