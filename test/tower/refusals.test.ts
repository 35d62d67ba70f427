import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { overNats } from '../../actors/client/nats-courier.js';
import { makeAppointment, TowerClient } from '../../actors/client/tower-client.js';
import { publicSubjects } from '../../actors/wire.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { Locator, TowerId, type Txid } from '../../events/ids.js';
import { Dialect } from '../../events/signing/receipts.js';
import { secretKey, startTestTower, untilLevel } from '../support/tower.js';

/** Every refusal as it reaches a client of each generation (teos-protocol A4 to A7). */
const txid = (n: number) => n.toString(16).padStart(2, '0').repeat(32) as Txid;
const blob = new Uint8Array(100);

for (const dialect of Dialect.options) {
  const python = dialect === 'python';
  const unauthorized = python ? { status: 400, errorCode: -8 } : { status: 401, errorCode: 7 };
  const add = (client: TowerClient, n: number, size = 100) =>
    client.addAppointment(makeAppointment(dialect, txid(n), new Uint8Array(size), 144));

  describe(`refusals of a ${dialect} client`, () => {
    test('authentication, slots, limits, expiry', async (t) => {
      const settings = { 'subscription.slots': '2', 'subscription.duration': '30', 'limits.max_appointments': '3' };
      const tower = await startTestTower(t, { settings });
      const client = await tower.newClient(dialect);
      // Its dialect is not known yet: the newer generation's numbers.
      await assert.rejects(add(client, 1), { reason: 'authentication-failed', status: 401, errorCode: 7 });
      await client.register();
      await assert.rejects(client.getAppointment(Locator.parse('00'.repeat(16))), {
        reason: 'appointment-not-found',
        status: 404,
        errorCode: python ? undefined : 36,
      });
      await assert.rejects(add(client, 1, 3 * 2048), { reason: 'not-enough-slots', ...unauthorized });
      await add(client, 1);
      await add(client, 2);
      await assert.rejects(add(client, 3), { reason: 'not-enough-slots', ...unauthorized });
      await client.register();
      await add(client, 3);
      await assert.rejects(add(client, 4), {
        reason: 'appointment-limit-reached',
        status: 503,
        errorCode: python ? undefined : 7,
      });
      const { subscription_expiry: expiry, locators } = await client.getSubscriptionInfo();
      assert.equal(locators.length, 3);
      await tower.chain.mine(expiry - (await tower.chain.height()));
      await untilLevel(() => tower.node, tower.chain);
      const expired = { reason: 'subscription-expired', ...unauthorized };
      await assert.rejects(add(client, 1), expired);
      await assert.rejects(client.getSubscriptionInfo(), expired);
      await assert.rejects(client.getAppointment(locators[0] as Locator), expired);
      await client.register();
      assert.equal((await client.getSubscriptionInfo()).locators.length, 3, 'a renewal revives everything');
    });

    test('too many slots', async (t) => {
      const tower = await startTestTower(t, { settings: { 'subscription.slots': String(0x80000000) } });
      const client = await tower.newClient(dialect);
      await client.register();
      await assert.rejects(client.register(), {
        reason: 'max-slots-reached',
        status: 400,
        errorCode: python ? -34 : 65,
      });
    });

    test('already triggered', async (t) => {
      const tower = await startTestTower(t);
      const client = await tower.newClient(dialect);
      await client.register();
      const [channel] = await openChannels(tower.chain, 1);
      assert(channel);
      const breach = buildBreach(channel);
      const appointment = makeAppointment(dialect, breach.disputeTxid, fromHex(breach.penaltyTx), 144);
      await client.addAppointment(appointment);
      await tower.chain.mineOnly([breach.disputeTx]);
      await untilLevel(() => tower.node, tower.chain);
      await assert.rejects(client.addAppointment({ ...appointment, toSelfDelay: 145 }), {
        reason: 'already-triggered',
        status: 400,
        errorCode: python ? -9 : 35,
      });
    });
  });
}

test('a malformed request is answered with an error code and a sentence, on every subject', async (t) => {
  const tower = await startTestTower(t);
  const nc = await tower.nats.connect('public');
  const { info, ...subjects } = publicSubjects;
  const bodies = [
    '',
    '{',
    '[]',
    '"text"',
    '{}',
    '{"user_id":7,"appointment":[],"signature":{},"locator":null}',
    '\xff',
  ];
  for (const subject of Object.values(subjects))
    for (const body of [...bodies, `{"x":"${'y'.repeat(150_000)}"}`]) {
      const answer = await nc.request(subject, body, { timeout: 5_000 });
      const { error, error_code: code, reason } = answer.json<Record<string, unknown>>();
      assert.equal(reason, 'malformed-request', `${subject} ${body.slice(0, 20)}`);
      assert.equal(typeof error, 'string');
      assert.ok(Number.isInteger(code) && Number(code) >= 1 && Number(code) <= 255);
      assert.match(String(answer.headers?.get('Nats-Service-Error-Code')), /^4\d\d$/);
    }
  assert.equal((await nc.request(info, 'whatever')).json<{ network: string }>().network, 'regtest');
});

test('a client that trusts another tower refuses the receipt', async (t) => {
  const tower = await startTestTower(t);
  const towerId = TowerId.parse((await tower.newClient()).userId);
  const nc = await tower.nats.connect('public');
  const client = new TowerClient(overNats(nc), { towerId, secretKey: secretKey() });
  await assert.rejects(client.register(), { code: 'bad-receipt' });
});

test('the same appointment again gives the same receipt; another version of it is charged the difference', async (t) => {
  const tower = await startTestTower(t);
  const client = await tower.newClient();
  const { available_slots: slots } = await client.register();
  const appointment = makeAppointment('rust', txid(9), blob, 144);
  const first = await client.addAppointment(appointment);
  await tower.chain.mine();
  await untilLevel(() => tower.node, tower.chain);
  assert.deepEqual(await client.addAppointment(appointment), first);
  const bigger = await client.addAppointment(makeAppointment('rust', txid(9), new Uint8Array(3000), 144));
  assert.deepEqual([bigger.availableSlots, bigger.startBlock], [slots - 2, first.startBlock + 1]);
  const smaller = await client.addAppointment(makeAppointment('rust', txid(9), new Uint8Array(26), 144));
  assert.equal(smaller.availableSlots, slots - 1);
});
