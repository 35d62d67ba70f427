import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { operations } from '../../actors/gateway/requests.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { refusalsOf } from '../../cli/describe/refusals.js';
import { type Appointment, getProofRequest } from '../../events/signing/appointment.js';
import { signMessage } from '../../events/signing/message.js';
import { Dialect } from '../../events/signing/receipts.js';
import { txid } from '../fixtures/ids.js';
import { type Door, httpDoor, natsDoor, type Told } from '../support/described.js';
import { HttpUser } from '../support/http-user.js';
import { startNatsProxy } from '../support/nats-proxy.js';
import { secretOf } from '../support/shards.js';
import type { Cleanup } from '../support/temp-dir.js';
import { startTestTower, type TestTower, type TestTowerOptions, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** Real answers of real towers, over both doors, held against docs/openapi.json and docs/asyncapi.json. */

/** What came from all towers: `http register 400 malformed-request`. */
const came = new Set<string>();

async function start(
  t: Cleanup,
  options: TestTowerOptions = {},
): Promise<{ tower: TestTower; doors: readonly Door[] }> {
  const tower = await startTestTower(t, {
    ...options,
    settings: { 'http.listen': '127.0.0.1:0', ...options.settings },
  });
  return { tower, doors: await doorsOf(t, tower) };
}

async function doorsOf(t: Cleanup, tower: TestTower, node = () => tower.node): Promise<readonly Door[]> {
  await untilLevel(node, tower.chain);
  const doors = [httpDoor(() => node().httpUrls[0] ?? assert.fail()), natsDoor(await tower.nats.connect('public'))];
  t.after(() => {
    for (const door of doors) for (const line of door.came) came.add(`${door.name} ${line}`);
  });
  return doors;
}

/** A user who asks at a door; each gives the reason of the answer, or `granted`. */
class User extends HttpUser {
  constructor(
    private readonly door: Door,
    dialect: Dialect,
    secret?: Uint8Array,
  ) {
    super(() => undefined, dialect, secret);
  }

  override async post(path: string, json: unknown): Promise<[number, unknown]> {
    const { reason, body } = await this.door.ask(path.slice(1) as 'register', json as object, {
      dialect: this.dialect,
    });
    return [reason === 'granted' ? 200 : 0, { ...body, reason }];
  }

  proof(locator: string, more: object = {}): Promise<[number, unknown]> {
    return this.post('/get_proof', { locator, signature: signMessage(getProofRequest(locator), this.secret), ...more });
  }
}

const reasonOf = async (asked: Promise<[number, unknown]>): Promise<string> => String(Object((await asked)[1]).reason);
const receiptOf = ([, body]: [number, unknown]): string => String(Object(body).signature);
const users = (doors: readonly Door[]): User[] =>
  doors.flatMap((door) => Dialect.options.map((dialect) => new User(door, dialect)));
/** Of all that a user asks about an appointment, and of the subscription of `asker`. */
const reasonsAbout = (user: User, appointment: Appointment, asker = user): Promise<string[]> => {
  const { locator } = appointment;
  const asked = [
    user.add(appointment),
    user.get(locator),
    user.delete(locator, null),
    user.proof(locator),
    asker.info(),
  ];
  return Promise.all(asked.map(reasonOf));
};
const NOWHERE = '00'.repeat(16);

describe('answers that are as the documents say', () => {
  test('what is granted, what is not understood, and who is not known', async (t) => {
    const { tower, doors } = await start(t);
    for (const door of doors) {
      for (const operation of operations)
        for (const dialect of Dialect.options) {
          for (const asked of [
            {},
            'no json',
            '[]',
            `{"${'x'.repeat(140_000)}": 1}`,
            { locator: 5, signature: '' },
            { user_id: 'zz', appointment: {} },
            { public_key: 'zz', appointment: { locator: 'zz' } },
          ])
            assert.equal((await door.ask(operation, asked, { dialect })).reason, 'malformed-request');
          if (door.name === 'http')
            assert.equal(
              (await door.ask(operation, {}, { dialect, contentType: 'text/plain' })).reason,
              'malformed-request',
            );
        }
    }
    const told: Told | undefined = await doors[1]?.ask('info', {});
    assert.equal(told?.body.network, 'regtest');
    for (const user of users(doors)) {
      const appointment = user.appointment(txid('one'), new Uint8Array(100));
      const { locator } = appointment;
      for (const reason of await reasonsAbout(user, appointment)) assert.equal(reason, 'authentication-failed');
      assert.equal(await reasonOf(user.register()), 'granted');
      const other = user.dialect === 'rust' ? 'public_key' : 'user_id';
      assert.equal(await reasonOf(user.post('/register', { [other]: user.userId })), 'other-dialect');
      const receipt = receiptOf(await user.add(appointment));
      for (const ask of [() => user.get(NOWHERE), () => user.delete(NOWHERE, null), () => user.proof(NOWHERE)])
        assert.equal(await reasonOf(ask()), 'appointment-not-found');
      assert.equal(await reasonOf(user.proof(locator)), 'not-under-head');
      await tower.chain.mine(1);
      await until('a head', async () => (await reasonOf(user.proof(locator))) === 'granted');
      assert.equal(await reasonOf(user.proof(locator, { size: 1_000_000 })), 'head-not-found');
      assert.equal(await reasonOf(user.get(locator)), 'granted');
      assert.equal(await reasonOf(user.info()), 'granted');
      await user.add(user.appointment(txid('one'), new Uint8Array(101)));
      assert.equal(await reasonOf(user.delete(locator, receipt)), 'receipt-replaced');
      assert.equal(await reasonOf(user.delete(locator, null)), 'granted');
    }
  });

  test('breaches, slots and limits, and what has run out', async (t) => {
    const settings = { 'subscription.slots': '2', 'subscription.duration': '40', 'limits.max_appointments': '8' };
    const { tower, doors } = await start(t, { settings });
    const all = users(doors);
    const channels = await openChannels(tower.chain, all.length);
    await untilLevel(() => tower.node, tower.chain);
    const breaches = channels.map((channel) => buildBreach(channel));
    const appointments = all.map((user, i) =>
      user.appointment(breaches[i]?.disputeTxid ?? assert.fail(), breaches[i]?.penaltyTx ?? ''),
    );
    for (const [i, user] of all.entries()) {
      await user.register();
      assert.equal(
        await reasonOf(user.add(user.appointment(txid('two'), new Uint8Array(3 * 2048)))),
        'not-enough-slots',
      );
      assert.equal(await reasonOf(user.add(appointments[i] ?? assert.fail())), 'granted');
      assert.equal(await reasonOf(user.add(user.appointment(txid('two'), new Uint8Array(100)))), 'granted');
      await user.register();
    }
    for (const user of all)
      assert.equal(
        await reasonOf(user.add(user.appointment(txid('three'), new Uint8Array(100)))),
        'appointment-limit-reached',
      );
    await tower.chain.mineOnly(breaches.map(({ disputeTx }) => disputeTx));
    await untilLevel(() => tower.node, tower.chain);
    for (const [i, user] of all.entries()) {
      const appointment = appointments[i] ?? assert.fail();
      const [, shown] = await until('responded', async () => {
        const told = await user.get(appointment.locator);
        return Object(told[1]).status === 'dispute_responded' ? told : undefined;
      });
      assert.match(String(Object(Object(shown).appointment).penalty_txid), /^[0-9a-f]{64}$/);
      assert.equal(await reasonOf(user.add({ ...appointment, toSelfDelay: 145 })), 'already-triggered');
      assert.equal(await reasonOf(user.delete(appointment.locator, null)), 'already-triggered');
    }
    await tower.chain.mine(80);
    await untilLevel(() => tower.node, tower.chain);
    for (const user of all) {
      const appointment = user.appointment(txid('two'), new Uint8Array(100));
      for (const reason of await reasonsAbout(user, appointment))
        assert.match(reason, /^(subscription-expired|authentication-failed)$/);
    }
  });

  for (const [policy, reasons] of Object.entries({
    invite: ['invite-required', 'invite-refused'],
    allow: ['not-allowed', 'not-allowed'],
  }))
    test(`who may register where the policy is ${policy}`, async (t) => {
      const { doors } = await start(t, { settings: { 'registration.policy': policy } });
      for (const user of users(doors)) {
        const field = user.dialect === 'python' ? 'public_key' : 'user_id';
        assert.equal(await reasonOf(user.register()), reasons[0]);
        assert.equal(
          await reasonOf(user.post('/register', { [field]: user.userId, invite: 'a'.repeat(32) })),
          reasons[1],
        );
      }
    });

  test('too many users, and too many slots', async (t) => {
    const settings = { 'limits.max_users': '4', 'subscription.slots': String(0x80000000) };
    const { doors } = await start(t, { settings });
    for (const user of users(doors)) {
      assert.equal(await reasonOf(user.register()), 'granted');
      assert.equal(await reasonOf(user.register()), 'max-slots-reached');
    }
    for (const user of users(doors)) assert.equal(await reasonOf(user.register()), 'user-limit-reached');
  });

  test('too many requests', async (t) => {
    const { doors } = await start(t, {
      settings: { 'limits.user_requests_per_second': '1', 'limits.registrations_per_minute': '4' },
    });
    const all = users(doors);
    for (const user of all) assert.equal(await reasonOf(user.register()), 'granted');
    for (const user of all) {
      await until('a registration too many', async () => (await reasonOf(user.register())) === 'rate-limited');
      const appointment = user.appointment(txid('one'), new Uint8Array(100));
      const { locator } = appointment;
      for (const ask of [
        () => user.add(appointment),
        () => user.get(locator),
        () => user.delete(locator, null),
        () => user.proof(locator),
        () => user.info(),
      ])
        await until('a request too many', async () => (await reasonOf(ask())) === 'rate-limited');
    }
  });

  test('a shard that nobody serves', async (t) => {
    const { doors } = await start(t, { settings: { 'log.shards': '2', 'log.serve': '0' } });
    for (const door of doors)
      for (const dialect of Dialect.options) {
        const user = new User(door, dialect, secretOf(1, 2));
        const appointment = user.appointment(txid('one'), new Uint8Array(100));
        const { locator } = appointment;
        for (const asked of [
          user.register(),
          user.add(appointment),
          user.get(locator),
          user.delete(locator, null),
          user.proof(locator),
          user.info(),
        ])
          assert.equal(await reasonOf(asked), 'shard-not-served');
      }
  });

  test('a tower whose log does not answer', async (t) => {
    const tower = await startTestTower(t, {
      begin: false,
      patience: { requestMs: 20_000, answerMs: 2_000 },
      settings: { 'http.listen': '127.0.0.1:0' },
    });
    const line = await startNatsProxy(t, tower.nats.port);
    const node = await tower.startNode('one', { natsUrl: line.url });
    const [http] = await doorsOf(t, tower, () => node);
    assert(http);
    const all = Dialect.options.map((dialect) => new User(http, dialect));
    for (const user of all) await user.register();
    line.swallow();
    const asked = all.flatMap((user) => {
      const stranger = new User(http, user.dialect);
      const appointment = user.appointment(txid('one'), new Uint8Array(100));
      return [reasonOf(stranger.register()), reasonsAbout(user, appointment, stranger)];
    });
    for (const reason of (await Promise.all(asked)).flat()) assert.equal(reason, 'unavailable');
    line.cut();
  });
});

/** What no tower here is brought to say: over NATS, nobody is answered while the log is away; a tree is hashed sooner than one can ask. */
const NOT_TRIED = [
  ...operations.map((operation) => `nats ${operation} unavailable`),
  'http get_proof proof-unavailable',
  'nats get_proof proof-unavailable',
];

test('every documented reason came, over each door, but for those that are named here', () => {
  const seen = new Set(Array.from(came, (line) => line.replace(/ \d+ /, ' ')));
  const documented = ['http', 'nats'].flatMap((door) =>
    operations.flatMap((operation) =>
      ['granted', ...new Set<string>(refusalsOf(operation).map(({ reason }) => reason))].map(
        (reason) => `${door} ${operation} ${reason}`,
      ),
    ),
  );
  assert.deepEqual(documented.filter((line) => !seen.has(line)).sort(), NOT_TRIED.sort());
  assert.deepEqual(
    [...seen].filter((line) => !documented.includes(line)),
    ['nats info granted'],
  );
});
