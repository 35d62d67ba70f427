import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { overNats } from '../../actors/client/nats-courier.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import { inviteAggregate, userAggregate } from '../../events/aggregate.js';
import { type Commit, newCommit } from '../../events/commit.js';
import type { Shard } from '../../events/ids.js';
import { EventLog } from '../../events/log/log.js';
import { POLICY } from '../../events/log/streams.js';
import { inviteIdOf } from '../../events/policy.js';
import { Dialect } from '../../events/signing/receipts.js';
import { fieldsOf, HttpUser } from '../support/http-user.js';
import { policyMessages, policyOf } from '../support/policy.js';
import { secretKey, startTestTower, type TestTower, untilLevel } from '../support/tower.js';
import { verified } from '../support/verified.js';

const settings = { 'registration.policy': 'invite' };
const stranger = 'abcdefghijklmnopqrstuvwxyz234567';

/** What became of a registration: `registered`, or the reason of the refusal. */
const outcome = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'registered',
    (error: { reason?: string }) => error.reason ?? String(error),
  );

for (const dialect of Dialect.options) {
  const unauthorized = dialect === 'python' ? { status: 400, errorCode: -8 } : { status: 401, errorCode: 7 };

  describe(`a tower that takes new users by invite, and a ${dialect} client over NATS`, () => {
    test('takes whoever has an invite, as often as it has uses, and nobody else', async (t) => {
      const tower = await startTestTower(t, { settings });
      const { invite, revoke } = await policyOf(tower);
      const [alice, bob, carol] = await Promise.all([1, 2, 3].map(() => tower.newClient(dialect)));
      assert.ok(alice && bob && carol);
      await assert.rejects(alice.register(), { reason: 'invite-required', ...unauthorized });
      await assert.rejects(alice.register(stranger), { reason: 'invite-refused', ...unauthorized });
      await assert.rejects(alice.register('x'), { reason: 'invite-refused', ...unauthorized });
      const token = await invite({ uses: 2 });
      const { available_slots: slots } = await alice.register(token.toUpperCase());
      await bob.register(token);
      await assert.rejects(carol.register(token), { reason: 'invite-refused', message: /used up/ });
      assert.equal((await alice.register()).available_slots, 2 * slots, 'who has a subscription renews it without');

      const gone = await invite();
      await revoke(gone);
      await assert.rejects(carol.register(gone), { reason: 'invite-refused', message: /revoked/ });
      const over = await invite({ expiry_height: 110 });
      await assert.rejects(carol.register(over), { reason: 'invite-refused', message: /expired/ });
      const late = await invite({ expiry_time: '2020-01-01T00:00:00.000Z' });
      await assert.rejects(carol.register(late), { reason: 'invite-refused', message: /expired/ });
      await carol.register(await invite({ expiry_height: 111 }));

      const text = (await policyMessages(tower)).join();
      for (const each of [token, gone, over, late]) assert.ok(!text.includes(each), 'no token is on the log');
      assert.ok(text.includes(inviteIdOf(token)));
      assert.deepEqual((await verified(tower.nats, tower.key.towerId)).findings, []);
    });

    test('takes back whom an invite let in once, when its subscription is over; but not by one that was revoked', async (t) => {
      const tower = await startTestTower(t, { settings: { ...settings, 'subscription.duration': '3' } });
      const { invite, revoke } = await policyOf(tower);
      const [client, other] = [await tower.newClient(dialect), await tower.newClient(dialect)];
      const token = await invite();
      await client.register(token);
      const pass = async () => {
        await tower.chain.mine(10);
        await untilLevel(() => tower.node, tower.chain);
      };
      await pass();
      assert.equal(await outcome(client.register()), 'invite-required');
      assert.equal(await outcome(other.register(token)), 'invite-refused');
      assert.equal(await outcome(client.register(token)), 'registered');
      await revoke(token);
      await pass();
      assert.equal(await outcome(client.register(token)), 'invite-refused');
    });
  });

  test(`a ${dialect} client over HTTP, which can say it nowhere else, has its invite in the host name`, async (t) => {
    const tower = await startTestTower(t, { settings: { ...settings, 'http.listen': '127.0.0.1:0' } });
    const { invite } = await policyOf(tower);
    const user = new HttpUser(() => tower.node.httpUrls[0], dialect);
    const { status, errorCode } = unauthorized;
    const token = await invite();
    for (const host of ['tower.example', token, `x.${token}.tower.example`]) {
      const answer = await user.at(host).register();
      const text = 'This tower takes new users by invite only';
      assert.deepEqual(answer, [status, { error: text, error_code: errorCode }], host);
    }
    const strange = await user.at(`${stranger}.tower.example`).register();
    assert.deepEqual([strange[0], fieldsOf(strange).error_code], [status, errorCode]);
    const granted = await user.at(`${token.toUpperCase()}.Tower.Example:9814`).register();
    assert.deepEqual([granted[0], fieldsOf(granted).user_id], [200, user.userId]);
    const late = await new HttpUser(() => tower.node.httpUrls[0], dialect).at(`${token}.tower.example`).register();
    assert.match(String(fieldsOf(late).error), /used up/);
    const renewed = await user.at('tower.example').register();
    assert.equal(fieldsOf(renewed).available_slots, 20_000);
  });
}

describe('two nodes', () => {
  /** A client whom only that node hears, since it alone serves the shard; whichever node gets the request. */
  const newClients = async (tower: TestTower, count: number) => {
    const nc = await tower.nats.connect('public');
    const { towerId } = tower.key;
    return Array.from({ length: count }, () => new TowerClient(overNats(nc), { towerId, secretKey: secretKey() }));
  };

  for (const uses of [1, 5])
    test(`let in ${uses} of many users who come at once with an invite for ${uses}`, async (t) => {
      const tower = await startTestTower(t, { settings: { ...settings, 'log.shards': '4' } });
      const two = await tower.startNode('two');
      const { invite } = await policyOf(tower);
      for (let round = 0; round < 3; round++) {
        const token = await invite({ uses });
        const clients = await newClients(tower, 24);
        const outcomes = await Promise.all(clients.map((client) => outcome(client.register(token))));
        const count = (what: string) => outcomes.filter((each) => each === what).length;
        assert.deepEqual([count('registered'), count('invite-refused')], [uses, 24 - uses], outcomes.join());
        const used = (await policyMessages(tower)).filter((text) => text.includes(inviteIdOf(token)));
        assert.equal(used.filter((text) => text.includes('InviteUsed')).length, uses);
      }
      const log = await EventLog.open(await tower.nats.connect('node'));
      const nodes = new Set((await policyMessages(tower)).map((text) => JSON.parse(text).node));
      // Whom a request goes to is left to chance: one alone would get all of the more than fifteen once in ten thousand runs.
      if (uses > 1) assert.deepEqual([...nodes].sort(), ['one', 'two'], 'both took part');
      assert.deepEqual((await verified(tower.nats, tower.key.towerId)).findings, []);
      assert.ok((await log.tail(POLICY)) > 0);
      await two.stop();
    });

  test('pass the invite on where the other one serves the shard, also one of a host name', async (t) => {
    const own = { ...settings, 'log.shards': '2' };
    const tower = await startTestTower(t, { settings: { ...own, 'log.serve': '0', 'http.listen': '127.0.0.1:0' } });
    await tower.startNode('two', { settings: { 'log.serve': '1', 'http.listen': 'off' } });
    const { invite } = await policyOf(tower);
    for (let n = 0; n < 8; n++) {
      const token = await invite();
      const user = new HttpUser(() => tower.node.httpUrls[0], 'rust');
      const answer = await user.at(`${token}.tower.example`).register();
      assert.equal(answer[0], 200, JSON.stringify(answer));
    }
  });
});

test('a node that dies between an invite’s use and the registration has taken nothing from anybody', async (t) => {
  const tower = await startTestTower(t, { settings });
  const { invite } = await policyOf(tower);
  const token = await invite();
  const [alice, bob] = [await tower.newClient(), await tower.newClient()];
  const log = await EventLog.open(await tower.nats.connect('node'));
  const aggregate = inviteAggregate(inviteIdOf(token));
  const used = { type: 'InviteUsed', userId: alice.userId, height: 110 };
  const commit = newCommit(aggregate, [used], 'one', Date.now()) as Omit<Commit, 'position'>;
  const shard = 0 as Shard;
  const { position: expected } = (await log.last(aggregate, shard)) ?? assert.fail();
  assert.equal((await log.append(commit, { shard, expected, patience: 5_000 })).kind, 'appended');
  await tower.restartNode();

  assert.equal(await outcome(bob.register(token)), 'invite-refused');
  assert.equal(await outcome(alice.register()), 'invite-required');
  assert.equal(await outcome(alice.register(token)), 'registered');
  assert.equal((await log.load(aggregate, shard)).length, 2, 'it is not used twice');
  const [first] = await log.load(userAggregate(alice.userId), shard);
  const [event] = first?.events ?? [];
  assert.ok(event?.type === 'UserRegistered');
  assert.deepEqual(event.admittedBy, { inviteId: inviteIdOf(token) });
  assert.deepEqual((await verified(tower.nats, tower.key.towerId)).findings, []);
});

test('what would be refused anyhow takes up no invite', async (t) => {
  const tower = await startTestTower(t, { settings: { ...settings, 'limits.max_users': '1' } });
  const { invite, ask } = await policyOf(tower);
  const token = await invite({ uses: 9 });
  const [alice, bob] = [await tower.newClient(), await tower.newClient()];
  await alice.register(token);
  assert.equal(await outcome(bob.register(token)), 'user-limit-reached');
  const { invites } = await ask('invites', {});
  assert.deepEqual(
    (invites as { used: number }[]).map(({ used }) => used),
    [1],
  );
});
