import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { EventLog } from '../../events/log/log.js';
import { blobStream } from '../../events/log/streams.js';
import { txid } from '../fixtures/ids.js';
import { shard } from '../support/log.js';
import type { Cleanup } from '../support/temp-dir.js';
import { historyTypes, isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

const DURATION = 20;
const GRACE = 5;

describe('a subscription that is over', () => {
  test('gives its appointments up when its time of grace is, and their blobs', async (t) => {
    const { tower, client, expiry, mineTo, blobs } = await subscriber(t);
    for (const name of ['one', 'two', 'three'])
      await client.addAppointment(makeAppointment('rust', txid(name), new Uint8Array(100), 144));
    assert.equal(await blobs(), 3);
    await mineTo(expiry + GRACE - 1);
    assert.deepEqual([tower.node.shards[0]?.counts.users, tower.node.shards[0]?.watchlist.size], [1, 3]);
    await assert.rejects(client.getSubscriptionInfo(), { reason: 'subscription-expired' });

    await mineTo(expiry + GRACE);
    await until('forgotten', () => tower.node.shards[0]?.counts.users === 0);
    assert.equal(tower.node.shards[0]?.watchlist.size, 0);
    await until('the blobs are gone', async () => (await blobs()) === 0);
    await assert.rejects(client.getSubscriptionInfo(), { reason: 'authentication-failed' });

    const again = await client.register();
    assert.deepEqual([again.available_slots, again.subscription_start], [10_000, expiry + GRACE]);
    assert.deepEqual((await client.getSubscriptionInfo()).locators, []);
  });

  test('is still guarded in its time of grace, and a breach seen in it is carried to its end', async (t) => {
    const { tower, client, breaches, expiry, mineTo, blobs } = await subscriber(t, 2);
    const [early, late] = breaches;
    assert(early && late);
    const { locator } = await client.protect(early.disputeTxid, fromHex(early.penaltyTx), 144);
    await client.protect(late.disputeTxid, fromHex(late.penaltyTx), 144);
    await mineTo(expiry + GRACE - 2);
    await tower.chain.mineOnly([early.disputeTx]);
    await until('answered', () => isInMempool(tower, early.penaltyTxid));

    for (let i = 0; i < 3; i++) await tower.chain.mineOnly(); // the penalty is not mined, the grace is over
    await until('forgotten', () => tower.node.shards[0]?.counts.users === 0);
    await tower.chain.mineOnly([late.disputeTx]);
    await untilLevel(() => tower.node, tower.chain);
    assert.deepEqual(await historyTypes(tower, client.userId, locator), [
      'BreachDetected by watcher',
      'PenaltyBroadcast',
    ]);
    assert.equal(tower.node.shards[0]?.watchlist.size, 1, 'the other appointment was given up');
    assert.ok(!(await isInMempool(tower, late.penaltyTxid)));
    await tower.restartNode();
    await tower.chain.mine(100);
    await until('buried', async () =>
      (await historyTypes(tower, client.userId, locator)).includes('PenaltyIrrevocable'),
    );
    await until('nothing is kept', async () => tower.node.shards[0]?.watchlist.size === 0 && (await blobs()) === 0);
    assert.deepEqual(tower.gaveUp, []);
  });

  test('is guarded through the very block in which its time of grace ends', async (t) => {
    const { tower, client, breaches, expiry, mineTo, blobs } = await subscriber(t, 1);
    const [breach] = breaches;
    assert(breach);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await client.addAppointment(makeAppointment('rust', txid('another'), new Uint8Array(100), 144));
    await mineTo(expiry + GRACE - 1);
    await tower.chain.mineOnly([breach.disputeTx]);
    await until('forgotten', () => tower.node.shards[0]?.counts.users === 0);
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    await until('only its blob is kept', async () => (await blobs()) === 1);
    await tower.chain.mine(100);
    const types = () => historyTypes(tower, client.userId, locator);
    await until('carried to its end', async () => (await types()).at(-1) === 'PenaltyIrrevocable');
    await until('nothing is kept', async () => tower.node.shards[0]?.watchlist.size === 0 && (await blobs()) === 0);
  });

  test('while the tower is down is given up when it is back, however many blocks later', async (t) => {
    const { tower, client, expiry, mineTo, blobs } = await subscriber(t);
    await client.addAppointment(makeAppointment('rust', txid('one'), new Uint8Array(100), 144));
    await mineTo(expiry - 1);
    await tower.stopNode();
    await tower.chain.mine(GRACE + 30);
    await tower.restartNode();
    await until('forgotten', () => tower.node.shards[0]?.counts.users === 0);
    await until('the blob is gone', async () => (await blobs()) === 0);
    assert.equal((await client.register()).subscription_start, await tower.chain.height());
  });

  test('that is renewed in its time of grace goes on as if nothing had been', async (t) => {
    const { tower, client, breaches, expiry, mineTo } = await subscriber(t, 1);
    const [breach] = breaches;
    assert(breach);
    await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await mineTo(expiry + 1);
    const renewed = await client.register();
    assert.equal(renewed.subscription_expiry, expiry + DURATION);
    assert.equal(renewed.available_slots, 19_999);
    await mineTo(expiry + GRACE + 1);
    await tower.chain.mineOnly([breach.disputeTx]);
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
  });
});

describe('the blob of an appointment', () => {
  test('is erased however it ends: resolved, rejected, replaced, deleted, expired', async (t) => {
    const { tower, client, breaches, expiry, mineTo, blobs } = await subscriber(t, 2, 130);
    const [resolved, rejected] = breaches;
    assert(resolved && rejected);
    await client.protect(resolved.disputeTxid, fromHex(resolved.penaltyTx), 144);
    await client.addAppointment(makeAppointment('rust', rejected.disputeTxid, new Uint8Array(80).fill(1), 144));
    await client.addAppointment(makeAppointment('rust', txid('one'), new Uint8Array(100), 144));
    const deleted = await client.addAppointment(makeAppointment('rust', txid('two'), new Uint8Array(100), 144));
    assert.equal(await blobs(), 4);

    await client.addAppointment(makeAppointment('rust', txid('one'), new Uint8Array(200), 144));
    await until('the replaced one is gone', async () => (await blobs()) === 4);
    await client.deleteAppointment(deleted);
    await until('the deleted one is gone', async () => (await blobs()) === 3);
    await tower.chain.mineOnly([resolved.disputeTx, rejected.disputeTx]);
    await until('the rejected one is gone', async () => (await blobs()) === 2);
    await tower.chain.mine(101);
    await until('the resolved one is gone', async () => (await blobs()) === 1);
    await mineTo(expiry + GRACE);
    await until('the expired one is gone', async () => (await blobs()) === 0);
  });
});

/** A tower of short subscriptions, a client that has one, and breaches of channels of its own. */
async function subscriber(t: Cleanup, channels = 0, duration = DURATION) {
  const settings = { 'subscription.duration': String(duration), 'subscription.grace': String(GRACE) };
  const tower = await startTestTower(t, { settings });
  const breaches: Breach[] = (channels ? await openChannels(tower.chain, channels) : []).map((each) =>
    buildBreach(each),
  );
  await untilLevel(() => tower.node, tower.chain);
  const client = await tower.newClient();
  const { subscription_expiry: expiry } = await client.register();
  const log = await EventLog.open(await tower.nats.connect('node'));
  const blobs = async () => (await log.jsm.streams.info(blobStream(shard))).state.messages;
  const mineTo = async (height: number) => {
    for (let at = await tower.chain.height(); at < height; at++) await tower.chain.mineOnly();
    await untilLevel(() => tower.node, tower.chain);
  };
  return { tower, client, breaches, expiry, mineTo, blobs };
}
