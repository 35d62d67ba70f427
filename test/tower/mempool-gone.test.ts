import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { buildBreach } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { EventLog } from '../../events/log/log.js';
import { blobStream } from '../../events/log/streams.js';
import { shard } from '../support/log.js';
import { watchedChannel } from '../support/mempool.js';
import { isInMempool, type TestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** What the mempool holds today may be gone tomorrow; what was promised is not. */
describe('a dispute that leaves the mempool', () => {
  test('for another revoked commitment: that one is answered by its own appointment', async (t) => {
    const { tower, client, channel, types } = await watchedChannel(t);
    const [first, second] = [buildBreach(channel), buildBreach(channel, { disputeFeeRate: 60 })];
    const [{ locator: replaced }, { locator: replacing }] = [
      await client.protect(first.disputeTxid, fromHex(first.penaltyTx), 144),
      await client.protect(second.disputeTxid, fromHex(second.penaltyTx), 144),
    ];
    await tower.chain.send(first.disputeTx);
    await until('answered', () => isInMempool(tower, first.penaltyTxid));
    await tower.chain.send(second.disputeTx);
    await until('answered anew', () => isInMempool(tower, second.penaltyTxid));
    assert.deepEqual(await mempoolOf(tower), [second.disputeTxid, second.penaltyTxid].sort());
    await tower.chain.mine(101);
    await until('buried', async () => (await types(replacing)).includes('PenaltyIrrevocable'));
    await untilLevel(() => tower.node, tower.chain);
    assert.deepEqual(await types(replaced), ['BreachSighted', 'PenaltyBroadcast']);
    assert.deepEqual((await client.getSubscriptionInfo()).locators, [replaced], 'it lives on, and is watched');
    assert.deepEqual(await mempoolOf(tower), []);
    assert.deepEqual(tower.gaveUp, []);
  });

  test('is not pushed back by the tower; when it comes again, or is mined, it is answered again', async (t) => {
    const { tower, client, channel, types } = await watchedChannel(t);
    const breach = buildBreach(channel);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.chain.send(breach.disputeTx);
    await until('answered', async () => (await types(locator)).includes('PenaltyBroadcast'));
    await restartWithoutMempool(tower);
    await untilLevel(() => tower.node, tower.chain);
    await mineEmpty(tower, 3);
    assert.deepEqual(await mempoolOf(tower), []);
    assert.deepEqual(await types(locator), ['BreachSighted', 'PenaltyBroadcast']);

    await tower.chain.send(breach.disputeTx);
    await until('answered without a block', () => isInMempool(tower, breach.penaltyTxid));
    await restartWithoutMempool(tower);
    await tower.chain.mineOnly([breach.disputeTx]);
    await until('answered in a block', () => isInMempool(tower, breach.penaltyTxid));
    await tower.chain.mine(100);
    await until('buried', async () => (await types(locator)).includes('PenaltyIrrevocable'));
    assert.deepEqual(await types(locator), [
      'BreachSighted',
      'PenaltyBroadcast',
      'BreachDetected by watcher',
      'PenaltyConfirmed',
      'PenaltyIrrevocable',
    ]);
    assert.deepEqual(tower.gaveUp, []);
  });

  test('into a block that a reorg takes away is then pushed, since it was mined once', async (t) => {
    const { tower, client, channel, types } = await watchedChannel(t);
    const breach = buildBreach(channel);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.chain.send(breach.disputeTx);
    await until('answered', async () => (await types(locator)).includes('PenaltyBroadcast'));
    const [block] = await tower.chain.mine();
    assert(block);
    await until('confirmed', async () => (await types(locator)).includes('PenaltyConfirmed'));
    await untilLevel(() => tower.node, tower.chain);
    await tower.chain.invalidate(block);
    await mineEmpty(tower, 2);
    await restartWithoutMempool(tower);
    await mineEmpty(tower, 1);
    await until('both are out again', async () => (await mempoolOf(tower)).length === 2);
    await tower.chain.mine(100);
    await until('buried', async () => (await types(locator)).includes('PenaltyIrrevocable'));
    assert.equal((await types(locator)).filter((type) => type === 'BreachSighted').length, 1);
    assert.deepEqual(tower.gaveUp, []);
  });

  test('and never comes again: its appointment ends with the subscription, as if it had not been', async (t) => {
    const settings = { 'subscription.duration': '10', 'subscription.grace': '3' };
    const { tower, client, registration, channel, types } = await watchedChannel(t, { settings });
    const breach = buildBreach(channel);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.chain.send(breach.disputeTx);
    await until('answered', async () => (await types(locator)).includes('PenaltyBroadcast'));
    await restartWithoutMempool(tower);
    await mineEmpty(tower, registration.subscription_expiry + 3 - (await tower.chain.height()));
    await until('over', () => tower.node.shards[0]?.counts.trackers === 0);
    assert.deepEqual(await types(locator), ['BreachSighted', 'PenaltyBroadcast', 'BlobRefused appointment-ended']);
    assert.deepEqual(tower.node.shards[0]?.counts, { users: 0, appointments: 0, trackers: 0 });
    const log = await EventLog.open(await tower.nats.connect('node'));
    const blobs = async () => (await log.jsm.streams.info(blobStream(shard))).state.messages;
    await until('the blob is gone', async () => (await blobs()) === 0);

    // The user comes back with it, before its dispute is mined at last.
    await client.register();
    await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await until('taken up', () => tower.node.shards[0]?.counts.trackers === 1);
    await tower.chain.mineOnly([breach.disputeTx]);
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    assert.deepEqual(tower.gaveUp, []);
  });
});

const mempoolOf = async ({ bitcoind }: TestTower) => ((await bitcoind.rpc.call('getrawmempool')) as string[]).sort();

async function mineEmpty(tower: TestTower, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await tower.chain.mineOnly();
  await untilLevel(() => tower.node, tower.chain);
}

/** As after a long time off, or with the mempool full of better-paying things: nothing of it is left. */
async function restartWithoutMempool({ bitcoind }: TestTower): Promise<void> {
  await bitcoind.stop();
  rmSync(join(dirname(bitcoind.cookieFile), 'mempool.dat'), { force: true });
  await bitcoind.restart();
}
