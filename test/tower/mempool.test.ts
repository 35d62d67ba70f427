import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import type { Cleanup } from '../support/temp-dir.js';
import { historyTypes, isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

describe('a dispute in the mempool', () => {
  test('is answered before any block: one block then holds both', async (t) => {
    const { tower, client, breach } = await watched(t);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    const types = () => historyTypes(tower, client.userId, locator);
    await tower.chain.send(breach.disputeTx);
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    await until('the tower says so', async () => (await client.getAppointment(locator)).status === 'dispute_responded');
    assert.deepEqual(await types(), ['BreachSighted', 'PenaltyBroadcast']);

    const [block] = await tower.chain.mine();
    const mined = z.object({ tx: z.array(z.string()) }).parse(await tower.bitcoind.rpc.call('getblock', block, 1));
    assert.deepEqual(mined.tx.slice(1), [breach.disputeTxid, breach.penaltyTxid]);
    await tower.chain.mine(99);
    await until('buried', async () => (await types()).includes('PenaltyIrrevocable'));
    assert.deepEqual((await types()).sort(), [
      'BreachDetected by watcher',
      'BreachSighted',
      'PenaltyBroadcast',
      'PenaltyConfirmed',
      'PenaltyIrrevocable',
    ]);
    await until('over', async () => (await client.getSubscriptionInfo()).locators.length === 0);
    assert.deepEqual(tower.gaveUp, []);
  });
});

/** A tower that watches the mempool, a client of it, and a channel in which it may be cheated. */
async function watched(t: Cleanup, options: Parameters<typeof startTestTower>[1] = { mempool: true }) {
  const tower = await startTestTower(t, options);
  const client = await tower.newClient();
  await client.register();
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  await untilLevel(() => tower.node, tower.chain);
  return { tower, client, channel, breach: buildBreach(channel) };
}
