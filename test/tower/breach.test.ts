import assert from 'node:assert/strict';
import { test } from 'node:test';
import { locatorOf } from '../../actors/client/tower-client.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { Dialect } from '../../events/signing/receipts.js';
import { startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

for (const dialect of Dialect.options) {
  test(`a breach in a block is punished and buried (${dialect} client)`, async (t) => {
    const tower = await startTestTower(t);
    const client = await tower.newClient(dialect);
    const registration = await client.register();
    const [channel] = await openChannels(tower.chain, 1);
    assert(channel);
    const breach = buildBreach(channel);
    const receipt = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    assert.equal(receipt.availableSlots, registration.available_slots - 1);
    const watched = await client.getAppointment(receipt.locator);
    assert.equal(watched.status, 'being_watched');

    await tower.chain.send(breach.disputeTx);
    await tower.chain.mine();
    const inMempool = async () =>
      ((await tower.bitcoind.rpc.call('getrawmempool')) as string[]).includes(breach.penaltyTxid);
    await until('the penalty is in the mempool', inMempool);
    await until('the tower says so', async () => {
      const { status } = await client.getAppointment(locatorOf(dialect, breach.disputeTxid));
      return status === 'dispute_responded';
    });

    await tower.chain.mine(100);
    await untilLevel(() => tower.node, tower.chain);
    await until('the slot is given back', async () => {
      const { available_slots: slots, locators } = await client.getSubscriptionInfo();
      return slots === registration.available_slots && locators.length === 0;
    });
    await assert.rejects(client.getAppointment(receipt.locator), {
      code: 'tower-refused',
      reason: 'appointment-not-found',
    });
    assert.deepEqual(tower.gaveUp, []);
  });
}
