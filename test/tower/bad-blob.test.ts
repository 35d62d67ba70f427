import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeAppointment, type TowerClient } from '../../actors/client/tower-client.js';
import { buildBreach, type Flaw, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import type { Locator, Txid } from '../../events/ids.js';
import { historyTypes, isInMempool, startTestTower, type TestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

describe('a blob that is of no use', () => {
  test('is refused at the breach; the appointment is over and stays charged', async (t) => {
    const tower = await startTestTower(t);
    const client = await tower.newClient();
    const { available_slots: slots } = await client.register();
    const [one, two, three] = await openChannels(tower.chain, 3);
    assert(one && two && three);
    const [undecryptable, garbage] = [buildBreach(one), buildBreach(two)];
    const unsigned = buildBreach(three, { flaw: 'no-witness' satisfies Flaw });
    const { locator } = makeAppointment('rust', undecryptable.disputeTxid, new Uint8Array(1), 144);
    const cases = [
      { breach: undecryptable, appointment: { locator, encryptedBlob: new Uint8Array(100).fill(7), toSelfDelay: 144 } },
      { breach: garbage, appointment: makeAppointment('rust', garbage.disputeTxid, new Uint8Array(80).fill(1), 144) },
      {
        breach: unsigned,
        appointment: makeAppointment('rust', unsigned.disputeTxid, fromHex(unsigned.penaltyTx), 144),
      },
    ];
    for (const { appointment } of cases) await client.addAppointment(appointment);
    await tower.chain.mineOnly(cases.map(({ breach }) => breach.disputeTx));
    const endings = [];
    for (const { appointment } of cases) {
      await untilOver(client, appointment.locator);
      endings.push(await historyTypes(tower, client.userId, appointment.locator));
    }
    assert.deepEqual(endings, [
      ['BreachDetected by watcher', 'BlobRefused does-not-decrypt'],
      ['BreachDetected by watcher', 'BlobRefused not-a-transaction'],
      ['BreachDetected by watcher', 'PenaltyRefused invalid, given up'],
    ]);
    const info = await client.getSubscriptionInfo();
    assert.deepEqual([info.available_slots, info.locators], [slots - 3, []]);
  });

  test('found through the locator cache is accepted and charged once, however often it is sent', async (t) => {
    const tower = await startTestTower(t);
    const client = await tower.newClient();
    const { available_slots: slots } = await client.register();
    const breach = await minedBreach(tower);
    const { locator } = makeAppointment('rust', breach.disputeTxid as Txid, new Uint8Array(1), 144);
    const useless = { locator, encryptedBlob: new Uint8Array(100).fill(7), toSelfDelay: 144 };
    for (let sent = 0; sent < 3; sent++) {
      const receipt = await client.addAppointment(useless);
      assert.equal(receipt.availableSlots, slots - 1);
      await untilOver(client, locator);
    }
    await client.protect(breach.disputeTxid as Txid, fromHex(breach.penaltyTx), 144);
    await until('a better blob is used', async () => {
      const shown = await client.getAppointment(locator);
      return shown.status === 'dispute_responded';
    });
  });

  test('gives way to a better one, also if bitcoind is away and the node that took it is gone', async (t) => {
    const tower = await startTestTower(t);
    const client = await tower.newClient();
    await client.register();
    const breach = await minedBreach(tower);
    const { locator } = makeAppointment('rust', breach.disputeTxid as Txid, new Uint8Array(1), 144);
    await client.addAppointment({ locator, encryptedBlob: new Uint8Array(100).fill(7), toSelfDelay: 144 });
    await untilOver(client, locator);

    await tower.bitcoind.stop();
    await client.protect(breach.disputeTxid as Txid, fromHex(breach.penaltyTx), 144);
    await tower.stopNode();
    await tower.bitcoind.restart();
    await tower.restartNode();
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
  });
});

async function minedBreach(tower: TestTower) {
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  const breach = buildBreach(channel);
  await tower.chain.mineOnly([breach.disputeTx]);
  await untilLevel(() => tower.node, tower.chain);
  return breach;
}

const untilOver = (client: TowerClient, locator: Locator): Promise<boolean> =>
  until('the appointment is over', async () => {
    const shown = await client.getAppointment(locator).catch((error) => error);
    return shown.reason === 'appointment-not-found';
  });
