import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { both, offer, registeredPlugin, startHttpTower, urlOf } from '../support/http-tower.js';
import { clients } from '../support/teos-clients.js';
import { describe as show } from '../support/teos-plugins.js';
import { Asker, anAppointment, call } from '../support/teos-requests.js';
import { secretKey, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** The tower's servers away: appointments are accepted if they can be, and kept by their client if not. */

const kinds = ['rustPlugin', 'pythonPlugin'] as const;
const pair = <T>(make: (kind: (typeof kinds)[number]) => Promise<T>) => Promise.all(kinds.map(make));

describe('an outage, as the clients see it', () => {
  test('of bitcoind: everything is accepted all the same', async (t) => {
    const tower = await startHttpTower(t);
    const plugins = await pair((kind) => registeredPlugin(tower, kind));
    await tower.bitcoind.kill();
    for (const [n, plugin] of plugins.entries()) {
      await plugin.revoked(anAppointment(String(n)));
      assert.deepEqual([plugin.accepted.size, plugin.hurt, plugin.status], [1, [], 'reachable']);
      assert.ok(await plugin.register());
    }
    const cli = new Asker(secretKey());
    assert.equal((await call('python', urlOf(tower), '/register', cli.register('python'))).kind, 'answer');
    assert.equal((await offer(tower, clients.pythonCli, cli, anAppointment('9'))).conclusion, 'accepted');
  });

  test('of bitcoind since the start: nobody listens until the chain was seen, then all is accepted', async (t) => {
    const tower = await startHttpTower(t, { begin: false });
    await tower.bitcoind.stop();
    await tower.restartNode();
    const url = urlOf(tower);
    const asker = new Asker(secretKey());
    const asked = asker.register('rust');
    await until('nobody listens', async () => (await call('rust', url, '/register', asked)).kind === 'refused');
    await tower.bitcoind.restart();
    await untilLevel(() => tower.node, tower.chain);
    await until('the door is open', async () => {
      const came = await call('rust', url, '/register', asked);
      return came.kind === 'answer' && came.status === 200;
    });
    assert.equal(urlOf(tower), url);
  });

  for (const how of ['killed', 'frozen'] as const)
    test(`of the log, ${how} with a request in its hands: every appointment is kept, then accepted`, async (t) => {
      const tower = await startHttpTower(t);
      const url = urlOf(tower);
      const plugins = await pair((kind) => registeredPlugin(tower, kind));
      if (how === 'frozen') tower.nats.child.kill('SIGSTOP');
      else await tower.nats.kill();
      for (const [n, plugin] of plugins.entries())
        void plugin.revoked(anAppointment(String(n))).then(() => plugin.revoked(anAppointment(`${n}b`)));
      const stranger = new Asker(secretKey());
      await until('nobody listens', async () => {
        const { conclusion, came } = await offer(tower, clients.rustPlugin, stranger, anAppointment('9'));
        assert.notEqual(conclusion, 'crash', show(came));
        return came.kind === 'refused';
      });
      await until('the plugins know', () => plugins.every(({ status }) => status !== 'reachable'));
      if (how === 'frozen') tower.nats.child.kill('SIGCONT');
      else await tower.nats.restart();
      for (const plugin of plugins) {
        await until('both appointments were offered', () => plugin.pending.size + plugin.accepted.size === 2);
        await plugin.settled();
        assert.deepEqual([plugin.accepted.size, plugin.hurt, plugin.status], [2, [], 'reachable']);
      }
      assert.equal(urlOf(tower), url);
      assert.deepEqual(tower.gaveUp, []);
    });

  test('of the disk: what the log does not take is kept by the client, and accepted when there is room', async (t) => {
    const tower = await startHttpTower(t);
    const plugins = await pair((kind) => registeredPlugin(tower, kind));
    const manager = await (await tower.nats.connect('node')).jetstreamManager();
    const { config } = await manager.streams.info('BLOBS_0');
    await manager.streams.update('BLOBS_0', { ...config, discard: 'new' as typeof config.discard, max_bytes: 1 });
    for (const [n, client] of both.entries()) {
      const plugin = plugins[n] ?? assert.fail();
      const { conclusion, came } = await offer(tower, client, plugin.asker, anAppointment('1'));
      assert.ok(['subscription error', 'temporarily unreachable'].includes(conclusion), show(came));
      void plugin.revoked(anAppointment('2'));
    }
    await until('the plugins know', () => plugins.every(({ status }) => status !== 'reachable'));
    await manager.streams.update('BLOBS_0', { ...config, max_bytes: -1 });
    for (const plugin of plugins) {
      await plugin.settled();
      assert.deepEqual([plugin.accepted.size, plugin.hurt, plugin.status], [1, [], 'reachable']);
    }
  });
});
