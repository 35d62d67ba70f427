import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { overHttp } from '../../actors/client/http-courier.js';
import { overNats } from '../../actors/client/nats-courier.js';
import { type AppointmentReceipt, makeAppointment, TowerClient } from '../../actors/client/tower-client.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { userAggregate } from '../../events/aggregate.js';
import { fromHex } from '../../events/bytes.js';
import type { UserId } from '../../events/ids.js';
import { EventLog } from '../../events/log/log.js';
import { blobStream } from '../../events/log/streams.js';
import { deleteAppointmentRequest } from '../../events/signing/appointment.js';
import { signerIs } from '../../events/signing/message.js';
import { deletionReceipt } from '../../events/signing/receipts.js';
import type { AppointmentEnded } from '../../events/user.js';
import { locator, txid } from '../fixtures/ids.js';
import { startHttpTower, urlOf } from '../support/http-tower.js';
import { HttpUser, type Told } from '../support/http-user.js';
import { shard } from '../support/log.js';
import type { Cleanup } from '../support/temp-dir.js';
import { isInMempool, secretKey, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

const DURATION = 150;

describe('a user that has its appointment deleted', () => {
  for (const [dialect, door] of [
    ['rust', 'NATS'],
    ['python', 'HTTP'],
  ] as const)
    test(`gets its slots back and a receipt, and the blob is gone (${dialect}, over ${door})`, async (t) => {
      const { tower, blobs, endings, over } = await towerOf(t);
      const client = new TowerClient(over[door], { towerId: tower.key.towerId, secretKey: secretKey(), dialect });
      await client.register();
      const receipt = await client.addAppointment(makeAppointment(dialect, txid('one'), new Uint8Array(4000), 144));
      await client.addAppointment(makeAppointment(dialect, txid('two'), new Uint8Array(100), 144));
      assert.equal(await blobs(), 2);

      const deletion = await client.deleteAppointment(receipt);
      assert.equal(deletion.availableSlots, 9_999);
      assert.ok(signerIs(deletionReceipt(dialect, deletion.userSignature), deletion.signature, tower.key.towerId));
      await until('the blob is gone', async () => (await blobs()) === 1);
      assert.equal((await client.getSubscriptionInfo()).locators.length, 1);
      await assert.rejects(client.getAppointment(receipt.locator));

      assert.deepEqual(await client.deleteAppointment(receipt), deletion, 'asked again, the same answer');
      await tower.restartNode();
      assert.deepEqual(await client.deleteAppointment(receipt), deletion, 'also of a node that replayed');
      const [ended, ...more] = await endings(client.userId);
      assert(ended?.deletion);
      assert.equal(more.length, 0, 'it ended once');
      const { userSignature, receipt: named } = ended.deletion;
      assert.deepEqual([named, ended.slotsRefunded], [receipt.signature, 2]);
      assert.ok(signerIs(deleteAppointmentRequest(receipt.locator, named), userSignature, client.userId));
    });

  test('may add it again at once, and the old request does not delete it', async (t) => {
    const { tower, blobs, over } = await towerOf(t);
    const client = new TowerClient(over.NATS, { towerId: tower.key.towerId, secretKey: secretKey() });
    await client.register();
    const appointment = makeAppointment('rust', txid('one'), new Uint8Array(100), 144);
    const first = await client.addAppointment(appointment);
    await client.deleteAppointment(first);
    const second = await client.addAppointment(appointment);
    assert.equal(second.startBlock, first.startBlock + 1);
    assert.notEqual(second.signature, first.signature);
    await assert.rejects(client.deleteAppointment(first), { reason: 'receipt-replaced', status: 404 });
    await until('one blob', async () => (await blobs()) === 1);
    assert.equal((await client.getAppointment(first.locator)).status, 'being_watched');
    assert.equal((await client.deleteAppointment(second)).availableSlots, 10_000);
    await until('no blob', async () => (await blobs()) === 0);
  });
});

describe('a deletion is refused', () => {
  test('where the draft would refuse it, and once a breach was seen, in the words of each generation', async (t) => {
    const { tower, over } = await towerOf(t);
    const channels = await openChannels(tower.chain, 2);
    await untilLevel(() => tower.node, tower.chain);
    for (const [dialect, expected] of [
      ['rust', { unknown: [404, 36], replaced: [404, 36], triggered: [400, 35], expired: [401, 7], nobody: [401, 7] }],
      ['python', { unknown: [404], replaced: [404], triggered: [400, -9], expired: [400, -8], nobody: [400, -8] }],
    ] as const) {
      const user = new HttpUser(() => urlOf(tower), dialect);
      const { towerId } = tower.key;
      const client = new TowerClient(over.HTTP, { towerId, secretKey: user.secret, dialect });
      const { subscription_expiry: expiry } = await client.register();
      const mallory = new HttpUser(() => urlOf(tower), dialect);
      await mallory.register();
      const channel = channels.pop();
      assert(channel);
      const breach = buildBreach(channel);
      const old = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
      const receipt = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 145);

      const codes = async (asked: Promise<Told>) => {
        const [status, json] = await asked;
        const { error_code: code } = json as { error_code?: number };
        return code === undefined ? [status] : [status, code];
      };
      const remove = (who: HttpUser, of: Pick<AppointmentReceipt, 'locator' | 'signature'>) =>
        codes(who.delete(of.locator, of.signature));
      assert.deepEqual(await remove(user, { ...receipt, locator: locator('another') }), expected.unknown);
      assert.deepEqual(await remove(user, old), expected.replaced);
      assert.deepEqual(await remove(mallory, receipt), expected.unknown, "another user's");
      const otherwise = { signature: user.signDeletion(receipt.locator, old.signature), receipt: receipt.signature };
      const forged = user.post('/delete_appointment', { locator: receipt.locator, ...otherwise });
      assert.deepEqual(await codes(forged), expected.nobody, 'signed for another receipt');

      await tower.chain.mineOnly([breach.disputeTx]);
      await until('answered', () => isInMempool(tower, breach.penaltyTxid));
      assert.deepEqual(await remove(user, receipt), expected.triggered);
      assert.deepEqual(await codes(user.delete(receipt.locator, null)), expected.triggered);
      await tower.chain.mine(101);
      await until('resolved', async () => (await client.getSubscriptionInfo()).locators.length === 0);
      assert.deepEqual(await remove(user, receipt), expected.unknown);
      for (let at = await tower.chain.height(); at < expiry; at++) await tower.chain.mineOnly();
      await untilLevel(() => tower.node, tower.chain);
      assert.deepEqual(await remove(user, receipt), expected.expired);
    }
    assert.deepEqual(tower.gaveUp, []);
  });
});

test("a request in the draft's own words deletes what is there, and is answered the same again", async (t) => {
  const { tower, blobs } = await towerOf(t);
  for (const dialect of ['rust', 'python'] as const) {
    const user = new HttpUser(() => urlOf(tower), dialect);
    await user.register();
    const appointment = user.appointment(txid('one'), new Uint8Array(100));
    await user.add(appointment);
    const answer = await user.delete(appointment.locator, null);
    const receipt = tower.key.sign(deletionReceipt(dialect, user.signDeletion(appointment.locator, null)));
    const fields = { locator: appointment.locator, signature: receipt, available_slots: 10_000 };
    assert.deepEqual(answer, [200, { ...fields, subscription_expiry: 110 + DURATION }]);
    assert.deepEqual(await user.delete(appointment.locator.toUpperCase(), null), answer);
    await until('no blob', async () => (await blobs()) === 0);
  }
});

/** A tower with both doors, and what is on its log. */
async function towerOf(t: Cleanup) {
  const settings = { 'subscription.duration': String(DURATION), 'subscription.grace': '6' };
  const tower = await startHttpTower(t, { settings });
  const log = await EventLog.open(await tower.nats.connect('node'));
  const blobs = async () => (await log.jsm.streams.info(blobStream(shard))).state.messages;
  const endings = async (userId: UserId): Promise<AppointmentEnded[]> =>
    (await log.load(userAggregate(userId), shard)).flatMap(({ events }) =>
      (events as readonly { type: string }[]).filter(
        (event): event is AppointmentEnded => event.type === 'AppointmentEnded',
      ),
    );
  const over = { NATS: overNats(await tower.nats.connect('public')), HTTP: overHttp(urlOf(tower)) };
  return { tower, blobs, endings, over };
}
