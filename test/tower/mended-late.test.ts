import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { historyTypes, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

test('a useless blob, found out in the mempool, may be mended long after its dispute was mined', async (t) => {
  const tower = await startTestTower(t, { mempool: true });
  const client = await tower.newClient();
  await client.register();
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  const { disputeTxid, disputeTx, penaltyTx } = buildBreach(channel);
  const { locator } = await client.addAppointment(makeAppointment('rust', disputeTxid, new Uint8Array(300), 144));
  const history = () => historyTypes(tower, client.userId, locator);
  await tower.chain.send(disputeTx);
  await until('refused', async () => (await history()).at(-1) === 'BlobRefused not-a-transaction');
  await tower.chain.mine(20); // far more than the locator cache holds
  await untilLevel(() => tower.node, tower.chain);
  await tower.restartNode();
  await client.protect(disputeTxid, fromHex(penaltyTx), 144);
  await until('sent', async () => (await history()).at(-1) === 'PenaltyBroadcast');
  await tower.chain.mine(100);
  await until('buried', async () => (await history()).at(-1) === 'PenaltyIrrevocable');
  assert.deepEqual(await history(), [
    'BreachSighted',
    'BlobRefused not-a-transaction',
    'BreachDetected by watcher',
    'PenaltyBroadcast',
    'PenaltyConfirmed',
    'PenaltyIrrevocable',
  ]);
});
