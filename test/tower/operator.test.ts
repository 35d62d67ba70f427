import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { operatorSubjects } from '../../actors/wire.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import type { Txid } from '../../events/ids.js';
import { startTestTower } from '../support/tower.js';
import { until } from '../support/until.js';

type Answer = Record<string, unknown>;

describe("the operator's questions", () => {
  test('are answered, page by page', async (t) => {
    const tower = await startTestTower(t, { settings: { 'log.shards': '2' } });
    const clients = await Promise.all([1, 2, 3].map(() => tower.newClient()));
    for (const client of clients) await client.register();
    const [channel] = await openChannels(tower.chain, 1);
    assert(channel);
    const breach = buildBreach(channel);
    const txid = (n: number) => n.toString(16).padStart(64, '0') as Txid;
    for (const client of clients) {
      await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
      for (let n = 1; n <= 4; n++)
        await client.addAppointment(makeAppointment('rust', txid(n), new Uint8Array(50), 144));
    }
    await tower.chain.mineOnly([breach.disputeTx]);
    const nc = await tower.nats.connect('operator');
    const ask = async (what: keyof typeof operatorSubjects, question: object = {}): Promise<Answer> =>
      (await nc.request(operatorSubjects[what], JSON.stringify(question))).json();
    await until('three trackers', async () => (await ask('info')).trackers === 3);

    const info = await ask('info');
    assert.deepEqual(
      [info.tower_id, info.users, info.watched_appointments, info.trackers, info.bitcoind_reachable],
      [tower.key.towerId, 3, 12, 3, true],
    );
    const all = async (what: keyof typeof operatorSubjects, field: string, limit: number) => {
      const items: unknown[] = [];
      const pages: number[] = [];
      for (let after: unknown = '0.0'; after; ) {
        const { [field]: page, next } = await ask(what, { after, limit });
        assert(Array.isArray(page));
        items.push(...page);
        pages.push(page.length);
        after = next;
      }
      return { items, pages };
    };
    const users = await all('users', 'user_ids', 2);
    assert.deepEqual(users.items.toSorted(), clients.map(({ userId }) => userId).sort());
    assert.ok(users.pages.length >= 2);
    const appointments = await all('appointments', 'appointments', 6);
    assert.equal(appointments.items.length, 15);
    assert.ok(appointments.pages.length >= 2);
    const trackers = await all('trackers', 'trackers', 1);
    assert.equal(trackers.items.length, 3);
    assert.ok(trackers.items.every((tracker) => (tracker as Answer).dispute_txid === breach.disputeTxid));

    const { locator } = makeAppointment('rust', txid(1), new Uint8Array(50), 144);
    const found = await ask('appointments', { locator });
    assert.equal((found.appointments as unknown[]).length, 3);
    const user = await ask('user', { user_id: clients[0]?.userId });
    assert.deepEqual([user.dialect, user.available_slots, (user.appointments as unknown[]).length], ['rust', 9995, 5]);
  });

  test('that make no sense get a sentence', async (t) => {
    const tower = await startTestTower(t);
    const nc = await tower.nats.connect('operator');
    const refused = async (what: keyof typeof operatorSubjects, body: string) => {
      const message = await nc.request(operatorSubjects[what], body);
      const code = message.headers?.get('Nats-Service-Error-Code');
      return `${code} ${message.json<{ error: string }>().error}`;
    };
    assert.match(await refused('user', `{"user_id":"02${'00'.repeat(32)}"}`), /^404 User not found/);
    assert.match(await refused('user', '{"user_id":"zz"}'), /^400 .*66 lower-case hex/);
    assert.match(await refused('users', '{"limit":0}'), /^400 /);
    assert.match(await refused('users', '{"after":"x"}'), /^400 .*cursor/);
    assert.match(await refused('users', '{'), /^400 the request is not JSON/);
  });

  test('do not reach the tower from a client, and neither does the log', async (t) => {
    const tower = await startTestTower(t);
    const nc = await tower.nats.connect('public');
    for (const subject of [
      operatorSubjects.info,
      'argus.0.scan',
      'argus.chain',
      '$JS.API.STREAM.INFO.CHAIN',
      '$SRV.PING',
    ])
      await assert.rejects(nc.request(subject, '{}', { timeout: 500 }), subject);
    const service = await tower.nats.connect('operator');
    const found = await service.services.client().ping('argus');
    for await (const { name } of found) assert.equal(name, 'argus');
  });
});
