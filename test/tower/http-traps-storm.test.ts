import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { registeredPlugin, startHttpTower, urlOf } from '../support/http-tower.js';
import { objectIn } from '../support/teos-clients.js';
import { anAppointment, call } from '../support/teos-requests.js';
import { untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** Plugins of both generations, with their retriers, through one mishap after another. */

const EACH = 12;

describe('plugins with their retriers', () => {
  test('through a log killed, a log frozen and a node restarted: all accepted, none lost, each paid once', async (t) => {
    const tower = await startHttpTower(t, { settings: { 'http.max_connections': '5' } });
    const url = urlOf(tower);
    const kinds = ['rustPlugin', 'pythonPlugin', 'rustPlugin', 'pythonPlugin'] as const;
    const plugins = await Promise.all(
      kinds.map(async (kind) => ({ kind, plugin: await registeredPlugin(tower, kind) })),
    );
    const mishaps = [
      async () => {
        await tower.nats.kill();
        await until('a plugin knows', () => plugins.some(({ plugin }) => plugin.status !== 'reachable'));
        await tower.nats.restart();
      },
      async () => {
        tower.nats.child.kill('SIGSTOP');
        await until('a plugin knows', () => plugins.some(({ plugin }) => plugin.status !== 'reachable'));
        tower.nats.child.kill('SIGCONT');
      },
      async () => {
        await tower.restartNode();
        await untilLevel(() => tower.node, tower.chain);
      },
    ];
    for (const [round, mishap] of mishaps.entries()) {
      const busy = plugins.map(async ({ plugin }) => {
        for (let n = 0; n < EACH; n++) await plugin.revoked(anAppointment(`${round}a${n}`));
      });
      await mishap();
      await Promise.all(busy);
      for (const { plugin } of plugins) await plugin.settled();
    }
    for (const { kind, plugin } of plugins) {
      assert.deepEqual([kind, plugin.accepted.size, plugin.hurt], [kind, EACH * mishaps.length, []]);
      const dialect = kind === 'rustPlugin' ? 'rust' : 'python';
      const paid = await until('the door is open', async () => {
        const came = await call(dialect, url, '/get_subscription_info', plugin.asker.subscription());
        return came.kind === 'answer' && objectIn(came.body);
      });
      // A registration whose answer was lost gave slots, too: what was paid is what is missing to a whole number of them.
      assert.equal(10_000 - (Number(Object(paid).available_slots) % 10_000), EACH * mishaps.length);
    }
    assert.deepEqual(tower.gaveUp, []);
  });
});
