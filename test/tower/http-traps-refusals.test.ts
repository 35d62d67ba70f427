import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { both, concluded, offer, registeredPlugin, startHttpTower, urlOf } from '../support/http-tower.js';
import { type Conclusion, clients, concludeRegister } from '../support/teos-clients.js';
import { describe as show } from '../support/teos-plugins.js';
import { Asker, anAppointment, bytesOf, call, exchange } from '../support/teos-requests.js';
import { secretKey, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** What the tower has to refuse, and how it finds out how to say so: an appointment that is valid is always kept by its client. */

const kinds = ['rustPlugin', 'pythonPlugin'] as const;
const kept = new Set<Conclusion>(['subscription error', 'temporarily unreachable']);

describe('a refusal', () => {
  test('of strangers: they keep the appointment, and it is accepted once they have registered', async (t) => {
    const tower = await startHttpTower(t);
    for (const client of both) {
      const asker = new Asker(secretKey());
      const appointment = anAppointment('1');
      const { conclusion, came } = await offer(tower, client, asker, appointment);
      assert.equal(conclusion, 'subscription error', show(came));
      await call(client.dialect, urlOf(tower), '/register', asker.register(client.dialect));
      assert.equal((await offer(tower, client, asker, appointment)).conclusion, 'accepted');
    }
  });

  test('of strangers behind a proxy that takes a User-Agent away or puts one there', async (t) => {
    const tower = await startHttpTower(t);
    for (const client of both) {
      const asked = new Asker(secretKey()).add(anAppointment('1'));
      const plain = String(bytesOf(client.dialect, '/add_appointment', urlOf(tower), asked));
      const bytes =
        client.dialect === 'python'
          ? plain.replace(/User-Agent: .*\r\n/, '')
          : plain.replace('\r\n', '\r\nuser-agent: a-proxy/1.0\r\n');
      const came = await exchange(urlOf(tower), Buffer.from(bytes));
      assert.equal(concluded(tower, client, asked, came), 'subscription error', show(came));
    }
  });

  test('by a full tower: kept, and accepted when there is room; what it holds already may be changed', async (t) => {
    const tower = await startHttpTower(t, {
      settings: { 'limits.max_appointments': '2', 'subscription.duration': '5' },
    });
    const plugins = await Promise.all(kinds.map((kind) => registeredPlugin(tower, kind)));
    for (const plugin of plugins) await plugin.revoked(anAppointment('1'));
    for (const [n, client] of both.entries()) {
      const plugin = plugins[n] ?? assert.fail();
      const { conclusion, came } = await offer(tower, client, plugin.asker, anAppointment('2'));
      assert.ok(kept.has(conclusion), show(came));
      assert.equal((await offer(tower, client, plugin.asker, anAppointment('1', 200))).conclusion, 'accepted');
      void plugin.revoked(anAppointment('3'));
    }
    await until('the plugins know', () => plugins.every(({ status }) => status !== 'reachable'));
    assert.deepEqual(
      plugins.flatMap(({ hurt }) => hurt),
      [],
    );
    assert.equal((await call('rust', urlOf(tower), '/ping', {})).kind, 'answer', 'the door stays open for the others');
    for (const plugin of plugins) plugin.giveUp();
  });

  test('of a subscription that is over, or has no slot left: kept, renewed, accepted', async (t) => {
    const settings = { 'subscription.slots': '1', 'subscription.duration': '5' };
    const tower = await startHttpTower(t, { settings });
    const plugins = await Promise.all(kinds.map((kind) => registeredPlugin(tower, kind)));
    for (const plugin of plugins) {
      for (const n of ['1', '2', '3']) {
        await plugin.revoked(anAppointment(n));
        await plugin.settled();
      }
      assert.deepEqual([plugin.accepted.size, plugin.hurt, plugin.registrations], [3, [], 3]);
    }
    await tower.chain.mine(15);
    await untilLevel(() => tower.node, tower.chain);
    for (const plugin of plugins) {
      await plugin.revoked(anAppointment('4'));
      await plugin.settled();
      assert.deepEqual([plugin.accepted.size, plugin.hurt, plugin.status], [4, [], 'reachable']);
    }
  });

  test('never meets a renewal: twice in one block gives strictly more slots and a strictly later expiry', async (t) => {
    const tower = await startHttpTower(t);
    const { towerId } = tower.key;
    for (const client of [...both, clients.pythonCli]) {
      const asker = new Asker(secretKey());
      const register = () => call(client.dialect, urlOf(tower), '/register', asker.register(client.dialect));
      const first = concludeRegister(client, await register(), { towerId, userId: asker.userId });
      assert.ok(typeof first === 'object');
      const second = concludeRegister(client, await register(), { towerId, userId: asker.userId, known: first });
      assert.ok(typeof second === 'object' && second.slots > first.slots && second.expiry > first.expiry);
    }
  });

  test('says no more than that there is nothing where nothing is', async (t) => {
    const tower = await startHttpTower(t);
    const statusOf = async (line: string) => {
      const came = await exchange(urlOf(tower), Buffer.from(`${line} HTTP/1.1\r\nhost: tower\r\n\r\n`));
      return came.kind === 'answer' ? came.status : came.kind;
    };
    assert.deepEqual(
      await Promise.all(['GET /', 'GET /register', 'PUT /add_appointment'].map(statusOf)),
      [404, 405, 405],
    );
  });
});
