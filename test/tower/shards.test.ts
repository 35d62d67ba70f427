import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeAppointment, type TowerClient } from '../../actors/client/tower-client.js';
import { operatorSubjects } from '../../actors/wire.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { freePorts } from '../../cli/servers/ports.js';
import { fromHex } from '../../events/bytes.js';
import { txid } from '../fixtures/ids.js';
import { post } from '../support/http.js';
import { startHttpTower, urlOf } from '../support/http-tower.js';
import { fieldsOf, HttpUser } from '../support/http-user.js';
import { startNatsProxy } from '../support/nats-proxy.js';
import { secretOf } from '../support/shards.js';
import type { Cleanup } from '../support/temp-dir.js';
import { isInMempool, type LogLine, startTestTower, type TestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

const SHARDS = 2;
const DIALECTS = ['python', 'rust'] as const;

describe('a tower whose nodes serve one shard each', () => {
  test('answers a user of either shard at either node, and its breach', async (t) => {
    const { tower, urls } = await twoHalves(t);
    for (const [shard, dialect] of everyUser) {
      const secret = secretOf(shard, SHARDS);
      const [atOne, atTwo] = urls.map((url) => new HttpUser(() => url, dialect, secret));
      assert(atOne && atTwo);
      assert.equal((await atOne.register())[0], 200);
      assert.equal(fieldsOf(await atTwo.register()).available_slots, 20_000);
      const appointment = atOne.appointment(txid('one'), new Uint8Array(100));
      const first = await atOne.add(appointment);
      assert.equal(fieldsOf(first).available_slots, 19_999);
      assert.deepEqual(await atTwo.add(appointment), first, 'the same receipt again');
      for (const ask of [
        (user: HttpUser) => user.get(appointment.locator),
        (user: HttpUser) => user.info(),
        (user: HttpUser) => user.get('00'.repeat(16)),
        (user: HttpUser) => user.as(dialect === 'rust' ? 'python' : 'rust').register(),
      ])
        assert.deepEqual(await ask(atOne), await ask(atTwo));
      const { signature } = fieldsOf(first);
      const deletion = await atTwo.delete(appointment.locator, String(signature));
      assert.equal(fieldsOf(deletion).available_slots, 20_000);
      assert.deepEqual(await atOne.delete(appointment.locator, String(signature)), deletion, 'the same at the other');
    }

    // Over NATS it is the server that chooses the node: both are asked some time.
    const channels = await openChannels(tower.chain, SHARDS);
    const asked = await askedOf(tower);
    for (const [shard, channel] of channels.entries()) {
      const client = await tower.newClient('rust', { secretKey: secretOf(shard, SHARDS) });
      await client.register();
      const breach = buildBreach(channel);
      await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
      const before = await asked();
      await until('both nodes were asked', async () => {
        assert.equal((await client.getSubscriptionInfo()).locators.length, 1);
        const now = await asked();
        return Array.from(now).every(([node, count]) => count > (before.get(node) ?? 0));
      });
      await tower.chain.mineOnly([breach.disputeTx]);
      await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    }
    assert.deepEqual(tower.gaveUp, []);
  });

  test('refuses the users of a shard that no node serves, and nobody else, until one serves it again', async (t) => {
    const { tower, two, startTwo, urls } = await twoHalves(t);
    const [url = ''] = urls;
    const users = DIALECTS.map((dialect) => new HttpUser(() => url, dialect, secretOf(1, SHARDS)));
    const other = new HttpUser(() => url, 'rust', secretOf(0, SHARDS));
    const client = await tower.newClient('rust', { secretKey: secretOf(1, SHARDS) });
    for (const user of [...users, other]) assert.equal((await user.register())[0], 200);
    await client.register();
    const ask = await operatorOf(tower);
    assert.deepEqual((await ask('info')).unserved_shards, []);

    const before = tower.said.length;
    await two.stop();
    for (const user of users) {
      const appointment = user.appointment(txid('one'), new Uint8Array(100));
      const refused = await user.add(appointment);
      // Who they are knows only the node that is away; a python client goes by the status.
      assert.deepEqual([refused[0], fieldsOf(refused).error_code], [503, 7]);
      const { status, headers } = await post(url, user.dialect, '/register', {
        public_key: user.userId,
        user_id: user.userId,
      });
      assert.deepEqual([status, headers.get('argus-reason')], [503, 'shard-not-served']);
    }
    await assert.rejects(client.getSubscriptionInfo(), { reason: 'shard-not-served', status: 503 });
    assert.equal((await other.add(other.appointment(txid('one'), new Uint8Array(100))))[0], 200);
    assert.equal((await other.info())[0], 200);
    assert.deepEqual(closings(tower.said.slice(before), url), [], 'the door of the node that is left stays open');
    assert.deepEqual((await ask('info')).unserved_shards, [1]);

    await startTwo();
    for (const user of users) assert.equal((await user.info())[0], 200);
    assert.equal((await client.getSubscriptionInfo()).available_slots, 10_000);
    assert.deepEqual((await ask('info')).unserved_shards, []);
    assert.deepEqual(tower.gaveUp, []);
  });

  test('tells the users of a node that has fallen silent to come again, and keeps its doors open for the others', async (t) => {
    const { tower, line, urls } = await twoHalves(t);
    const [url = ''] = urls;
    const [user, other] = [1, 0].map((shard) => new HttpUser(() => url, 'rust', secretOf(shard, SHARDS)));
    assert(user && other);
    for (const each of [user, other]) assert.equal((await each.register())[0], 200);
    const appointment = user.appointment(txid('one'), new Uint8Array(100));

    const before = tower.said.length;
    line.swallow();
    const lost = await user.add(appointment);
    assert.deepEqual([lost[0], fieldsOf(lost).error_code], [503, 7]);
    assert.equal((await other.info())[0], 200);
    assert.deepEqual(closings(tower.said.slice(before), url), []);

    line.cut();
    const kept = await until('back', async () => {
      const answer = await user.add(appointment);
      return answer[0] === 200 ? answer : undefined;
    });
    assert.equal(fieldsOf(kept).available_slots, 9_999, 'charged once, wherever the answer was lost');
    assert.deepEqual(closings(tower.said.slice(before), url), []);
  });

  test('is one tower to its operator, whichever node answers, and says what it cannot see', async (t) => {
    const { tower, two } = await twoHalves(t);
    const clients: TowerClient[] = [];
    for (const shard of [0, 1, 1]) {
      const client = await tower.newClient('rust', { secretKey: secretOf(shard, SHARDS) });
      await client.register();
      for (const name of ['a', 'b', 'c']) await client.addAppointment(appointment(name));
      clients.push(client);
    }
    const ask = await operatorOf(tower);
    const all = async (what: keyof typeof operatorSubjects, field: string, question: object) => {
      const items: unknown[] = [];
      for (let after: unknown = '0.0'; after; ) {
        const page = await ask(what, { ...question, after });
        assert(Array.isArray(page[field]));
        items.push(...page[field]);
        after = page.next;
      }
      return items;
    };
    const spoke = new Set<unknown>();
    await until('both nodes spoke', async () => {
      const info = await ask('info');
      assert.deepEqual([info.users, info.watched_appointments, info.trackers, info.unserved_shards], [3, 9, 0, []]);
      assert.deepEqual(
        (info.shards as Answer[]).map(({ shard, users }) => [shard, users]),
        [
          [0, 1],
          [1, 2],
        ],
      );
      spoke.add(info.node);
      return spoke.size === 2;
    });
    const last = clients[2] ?? assert.fail();
    const { locator } = appointment('b');
    for (const limit of [1, 2, 4, 1000]) {
      const users = await all('users', 'user_ids', { limit });
      assert.deepEqual(users[0], clients[0]?.userId);
      assert.deepEqual(users.toSorted(), clients.map(({ userId }) => userId).sort());
      assert.equal((await all('appointments', 'appointments', { limit })).length, 9);
      assert.equal((await all('appointments', 'appointments', { limit, locator })).length, 3);
      assert.equal((await all('appointments', 'appointments', { limit, user_id: last.userId })).length, 3);
      const user = await ask('user', { user_id: last.userId, limit });
      assert.deepEqual([user.available_slots, (user.appointments as unknown[]).length], [9997, Math.min(limit, 3)]);
    }

    await two.stop();
    const users = await ask('users');
    assert.deepEqual(users, { user_ids: [clients[0]?.userId], next: null, unserved_shards: [1] });
    assert.deepEqual((await ask('user', { user_id: last.userId })).error, 'no node serves shard 1');
    const info = await ask('info');
    assert.deepEqual([info.users, info.unserved_shards], [1, [1]]);
  });
});

test('a node that is to serve a shard that is not there does not start, and says so', async (t) => {
  const tower = await startTestTower(t, { begin: false, settings: { 'log.shards': '4' } });
  const start = (serve: string) => tower.startNode('one', { settings: { 'log.serve': serve } });
  await assert.rejects(start('0-3,9'), { code: 'config', message: 'log.serve: there is no shard 9: the tower has 4' });
  await assert.rejects(start('2-999999999'), { message: 'log.serve: there is no shard 4: the tower has 4' });
  await start('1-2,3');
});

const everyUser = [0, 1].flatMap((shard) => DIALECTS.map((dialect) => [shard, dialect] as const));
const appointment = (name: string) => makeAppointment('rust', txid(name), new Uint8Array(50), 144);

/** Where a log says that the door at a URL was closed. */
const closings = (said: readonly LogLine[], url: string): LogLine[] =>
  said.filter(({ msg, address }) => msg === 'refusing HTTP connections' && url.endsWith(`/${address}`));

type Answer = Record<string, unknown>;

/** Two nodes with an HTTP door each: one serves shard 0, two serves shard 1, on a line that can be disturbed. */
async function twoHalves(t: Cleanup) {
  const [port] = await freePorts(1);
  const tower = await startHttpTower(t, { settings: { 'log.shards': String(SHARDS), 'log.serve': '0' } });
  const settings = { 'log.serve': '1', 'http.listen': `127.0.0.1:${port}` };
  const line = await startNatsProxy(t, tower.nats.port);
  const startTwo = () => tower.startNode('two', { natsUrl: line.url, settings });
  const two = await startTwo();
  for (const node of [tower.node, two]) await untilLevel(() => node, tower.chain);
  return { tower, two, startTwo, line, urls: [urlOf(tower), urlOf({ node: two })] };
}

async function operatorOf({ nats }: TestTower) {
  const nc = await nats.connect('operator');
  return async (what: keyof typeof operatorSubjects, question: object = {}): Promise<Answer> =>
    (await nc.request(operatorSubjects[what], JSON.stringify(question), { timeout: 10_000 })).json();
}

/** How often each node was asked over NATS, by the id of its service. */
async function askedOf({ nats }: TestTower) {
  const services = (await nats.connect('operator')).services.client();
  return async () => {
    const asked = new Map<string, number>();
    for await (const { id, endpoints = [] } of await services.stats('argus'))
      asked.set(
        id,
        endpoints.reduce((sum, { num_requests }) => sum + num_requests, 0),
      );
    return asked;
  };
}
