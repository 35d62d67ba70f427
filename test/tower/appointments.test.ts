import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { buildBreach, openChannels, spendPenalty } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import type { Locator } from '../../events/ids.js';
import { Dialect } from '../../events/signing/receipts.js';
import { historyTypes, isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

describe('appointments', () => {
  test('of users of both generations for one dispute are answered each on its own', async (t) => {
    const tower = await startTestTower(t, { settings: { 'log.shards': '3' } });
    const [channel] = await openChannels(tower.chain, 1);
    assert(channel);
    const breach = buildBreach(channel);
    const clients = await Promise.all([...Dialect.options, ...Dialect.options].map((d) => tower.newClient(d)));
    const receipts = [];
    for (const client of clients) {
      await client.register();
      receipts.push(await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144));
    }
    assert.equal(new Set(receipts.map(({ locator }) => locator)).size, 2, 'the two of a generation share a locator');
    await tower.chain.mineOnly([breach.disputeTx]);
    for (const [i, client] of clients.entries()) {
      const locator: Locator = receipts[i]?.locator ?? assert.fail();
      await until('answered', async () => (await client.getAppointment(locator)).status === 'dispute_responded');
      assert.deepEqual((await client.getAppointment(locator)).appointment, {
        locator,
        dispute_txid: breach.disputeTxid,
        penalty_txid: breach.penaltyTxid,
        penalty_rawtx: breach.penaltyTx,
      });
    }
    assert.ok(await isInMempool(tower, breach.penaltyTxid));
    await tower.chain.mine(100);
    for (const client of clients)
      await until('over', async () => (await client.getSubscriptionInfo()).locators.length === 0);
    assert.deepEqual(tower.gaveUp, []);
  });

  test('that were replaced by a newer version are answered with the newer penalty', async (t) => {
    const tower = await startTestTower(t);
    const client = await tower.newClient();
    await client.register();
    const [channel] = await openChannels(tower.chain, 1);
    assert(channel);
    const breach = buildBreach(channel);
    const { locator } = await client.protect(breach.disputeTxid, new Uint8Array(5000), 144);
    const bigger = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 20);
    assert.equal(bigger.availableSlots, 9_999);
    const shown = await client.getAppointment(locator);
    assert.equal(shown.status === 'being_watched' && shown.appointment.to_self_delay, 20);
    await tower.chain.mineOnly([breach.disputeTx]);
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    assert.equal((await client.getSubscriptionInfo()).locators.length, 1);
  });
});

describe('a penalty', () => {
  test('that bitcoind forgets is sent again with the next block', async (t) => {
    const { tower, breach, types } = await answered(t);
    await tower.bitcoind.stop();
    rmSync(join(dirname(tower.bitcoind.cookieFile), 'mempool.dat'));
    await tower.bitcoind.restart();
    assert.ok(!(await isInMempool(tower, breach.penaltyTxid)));
    await tower.chain.mineOnly();
    await until('sent again', () => isInMempool(tower, breach.penaltyTxid));
    await tower.chain.mine(100);
    await until('buried', async () => (await types()).includes('PenaltyIrrevocable'));
  });

  test('that the victim had mined before the tower was asked is found and seen through', async (t) => {
    const { tower, client, breach } = await unanswered(t);
    await tower.chain.mineOnly([breach.disputeTx, breach.penaltyTx]);
    await untilLevel(() => tower.node, tower.chain);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    const types = () => historyTypes(tower, client.userId, locator);
    await until('confirmed', async () => (await types()).at(-1) === 'PenaltyConfirmed');
    await tower.chain.mine(99);
    await until('buried', async () => (await types()).at(-1) === 'PenaltyIrrevocable');
    assert.equal((await client.getSubscriptionInfo()).available_slots, 10_000);
  });

  test('that was mined before the tower looked, with its own outputs spent, is found and seen through', async (t) => {
    const { tower, client, breach, channel } = await unanswered(t);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.stopNode();
    await tower.chain.mineOnly([breach.disputeTx, breach.penaltyTx, spendPenalty(channel, breach)]);
    await tower.restartNode();
    const types = () => historyTypes(tower, client.userId, locator);
    await until('confirmed', async () => (await types()).at(-1) === 'PenaltyConfirmed');
    await tower.chain.mine(99);
    await until('buried', async () => (await types()).at(-1) === 'PenaltyIrrevocable');
    await until('over', async () => (await client.getSubscriptionInfo()).locators.length === 0);
    assert.equal((await client.getSubscriptionInfo()).available_slots, 10_000);
  });
});

async function unanswered(t: Parameters<typeof startTestTower>[0]) {
  const tower = await startTestTower(t);
  const client = await tower.newClient();
  await client.register();
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  return { tower, client, channel, breach: buildBreach(channel) };
}

/** A tower whose penalty for a breach is in the mempool. */
async function answered(t: Parameters<typeof startTestTower>[0]) {
  const { tower, client, breach } = await unanswered(t);
  const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  await tower.chain.mineOnly([breach.disputeTx]);
  const types = () => historyTypes(tower, client.userId, locator);
  await until('answered', async () => (await types()).includes('PenaltyBroadcast'));
  return { tower, client, breach, types };
}
