import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { historyTypes, isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

test('a penalty whose fee is too low is kept, shown, and sent again until it passes', async (t) => {
  const tower = await startTestTower(t);
  const client = await tower.newClient();
  await client.register();
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  const breach = buildBreach(channel, { penaltyFeeRate: 0 });
  const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  await tower.chain.mineOnly([breach.disputeTx]);
  const types = () => historyTypes(tower, client.userId, locator);
  await until('refused', async () => (await types()).length === 2);
  await tower.chain.mineOnly();
  await untilLevel(() => tower.node, tower.chain);
  assert.deepEqual(await types(), ['BreachDetected by watcher', 'PenaltyRefused policy']);
  assert.equal((await client.getAppointment(locator)).status, 'being_watched', 'nothing is answered yet');

  // As if fees had fallen: from now on bitcoind reckons this fee with so many satoshis more.
  await tower.bitcoind.rpc.call('prioritisetransaction', breach.penaltyTxid, 0, 10_000);
  await tower.chain.mineOnly();
  await until('accepted', () => isInMempool(tower, breach.penaltyTxid));
  await until('recorded', async () => (await types()).at(-1) === 'PenaltyBroadcast');
  await tower.chain.mine(100);
  await until('buried', async () => (await types()).at(-1) === 'PenaltyIrrevocable');
});
