import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { buildBreach } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { Dialect } from '../../events/signing/receipts.js';
import { mempoolTransactions, openChannel, watchedChannel } from '../support/mempool.js';
import { isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

describe('a dispute in the mempool', () => {
  for (const dialect of Dialect.options)
    test(`is answered before any block: one block then holds both (${dialect} client)`, async (t) => {
      const { tower, channel } = await watchedChannel(t);
      const breach = buildBreach(channel);
      const client = await tower.newClient(dialect);
      await client.register();
      const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
      await tower.chain.send(breach.disputeTx);
      await until('answered', () => isInMempool(tower, breach.penaltyTxid));
      await until('so it says', async () => (await client.getAppointment(locator)).status === 'dispute_responded');
      const [block] = await tower.chain.mine();
      const mined = z.object({ tx: z.array(z.string()) }).parse(await tower.bitcoind.rpc.call('getblock', block, 1));
      assert.deepEqual(mined.tx.slice(1), [breach.disputeTxid, breach.penaltyTxid]);
    });

  for (const mempool of [true, false])
    test(`comes to the same end with the mempool ${mempool ? 'watched' : 'unwatched'}`, async (t) => {
      const { tower, client, registration, channel, types } = await watchedChannel(t, { mempool });
      const breach = buildBreach(channel);
      const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
      await tower.chain.send(breach.disputeTx);
      if (mempool) await until('answered', async () => (await types(locator)).includes('PenaltyBroadcast'));
      assert.deepEqual(await types(locator), mempool ? ['BreachSighted', 'PenaltyBroadcast'] : []);
      await tower.chain.mine();
      await until('answered', async () => (await types(locator)).includes('PenaltyBroadcast'));
      await tower.chain.mine(100);
      await until('buried', async () => (await types(locator)).includes('PenaltyIrrevocable'));
      const always = ['BreachDetected by watcher', 'PenaltyBroadcast', 'PenaltyConfirmed', 'PenaltyIrrevocable'];
      const expected = mempool ? [...always, 'BreachSighted'].sort() : always;
      // The block holds both: whether its dispute or its penalty is found first is no matter.
      assert.deepEqual((await types(locator)).sort(), expected);
      await until('over', async () => {
        const { available_slots: slots, locators } = await client.getSubscriptionInfo();
        return slots === registration.available_slots && locators.length === 0;
      });
      assert.deepEqual(tower.gaveUp, []);
    });

  test('is answered too when its appointment arrives after it', async (t) => {
    const { tower, channel } = await watchedChannel(t);
    const breach = buildBreach(channel);
    await tower.chain.send(breach.disputeTx);
    for (const dialect of Dialect.options) {
      const client = await tower.newClient(dialect);
      await client.register();
      const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
      await until(`${dialect}: answered`, async () => {
        return (await client.getAppointment(locator)).status === 'dispute_responded';
      });
    }
    assert.ok(await isInMempool(tower, breach.penaltyTxid));
  });

  test('that came while the node was down is answered when it is up; a restart after that changes nothing', async (t) => {
    const { tower, client, channel, types } = await watchedChannel(t);
    const breach = buildBreach(channel);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.stopNode();
    await tower.chain.send(breach.disputeTx);
    await tower.restartNode();
    await until('answered', async () => (await types(locator)).includes('PenaltyBroadcast'));
    await tower.restartNode();
    await tower.chain.mine();
    await until('confirmed', async () => (await types(locator)).includes('PenaltyConfirmed'));
    await untilLevel(() => tower.node, tower.chain);
    const expected = ['BreachDetected by watcher', 'BreachSighted', 'PenaltyBroadcast', 'PenaltyConfirmed'];
    assert.deepEqual((await types(locator)).sort(), expected);
  });

  test('is forgotten by the memory once it is mined, and is then the locator cache’s', async (t) => {
    const tower = await startTestTower(t, { mempool: true });
    const breach = buildBreach(await openChannel(tower.chain));
    const held = () => mempoolTransactions(tower);
    await tower.chain.send(breach.disputeTx);
    await until('held', async () => (await held()) === 1);
    await tower.chain.mine();
    await until('forgotten', async () => (await held()) === 0);
    assert.deepEqual(tower.gaveUp, []);
  });

  test('opens a blob of no use: judged as in a block, and a better one is used at once', async (t) => {
    const { tower, client, registration, channel, types } = await watchedChannel(t);
    const breach = buildBreach(channel);
    const { locator } = makeAppointment('rust', breach.disputeTxid, new Uint8Array(1), 144);
    await client.addAppointment({ locator, encryptedBlob: new Uint8Array(100).fill(7), toSelfDelay: 144 });
    await tower.chain.send(breach.disputeTx);
    await until('over', async () => (await client.getSubscriptionInfo()).locators.length === 0);
    assert.deepEqual(await types(locator), ['BreachSighted', 'BlobRefused does-not-decrypt']);
    const receipt = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    assert.equal(receipt.availableSlots, registration.available_slots - 1, 'charged once');
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    await tower.chain.mine(101);
    await until('buried', async () => (await types(locator)).includes('PenaltyIrrevocable'));
    await until('over', async () => (await client.getSubscriptionInfo()).locators.length === 0);
  });
});

describe('a penalty for a dispute in the mempool', () => {
  test('whose fee is too low is kept and sent again, while the dispute waits', async (t) => {
    const { tower, client, channel, types } = await watchedChannel(t);
    const breach = buildBreach(channel, { penaltyFeeRate: 0 });
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.chain.send(breach.disputeTx);
    await until('refused', async () => (await types(locator)).length === 2);
    assert.deepEqual(await types(locator), ['BreachSighted', 'PenaltyRefused policy']);
    assert.equal((await client.getAppointment(locator)).status, 'being_watched', 'nothing is answered yet');
    // As if fees had fallen.
    await tower.bitcoind.rpc.call('prioritisetransaction', breach.penaltyTxid, 0, 10_000);
    await tower.chain.mineOnly();
    await until('accepted', () => isInMempool(tower, breach.penaltyTxid));
    assert.ok(await isInMempool(tower, breach.disputeTxid));
  });

  test('whose signature is wrong is not given up before the dispute is mined', async (t) => {
    const { tower, client, channel, types } = await watchedChannel(t);
    const breach = buildBreach(channel, { flaw: 'wrong-key' });
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.chain.send(breach.disputeTx);
    await until('refused', async () => (await types(locator)).length === 2);
    await tower.chain.mine();
    await until('given up', async () => (await types(locator)).at(-1) === 'PenaltyRefused invalid, given up');
    await until('over', async () => (await client.getSubscriptionInfo()).locators.length === 0);
  });

  test('pays for a dispute that pays nothing', async (t) => {
    const { tower, client, channel, types } = await watchedChannel(t);
    const breach = buildBreach(channel, { disputeFeeRate: 0, version: 3 });
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    // As it is in the mempool of a miner, or of who knows the child that paid for it.
    await tower.bitcoind.rpc.call('prioritisetransaction', breach.disputeTxid, 0, 10_000);
    await tower.chain.send(breach.disputeTx);
    await until('answered', async () => (await types(locator)).includes('PenaltyBroadcast'));
    await tower.chain.mine();
    await until('confirmed', async () => (await types(locator)).includes('PenaltyConfirmed'));
  });
});
