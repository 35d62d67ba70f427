import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { both, concluded, offer, registeredPlugin, startHttpTower, urlOf } from '../support/http-tower.js';
import { clients, objectIn } from '../support/teos-clients.js';
import { describe as show } from '../support/teos-plugins.js';
import { anAppointment, bytesOf, call, openLine } from '../support/teos-requests.js';
import { until } from '../support/until.js';

/** A node that ends with requests in its hands, and the nodes that do not. */

const keptBy = (client: (typeof both)[number]) =>
  client === clients.rustPlugin ? 'subscription error' : 'temporarily unreachable';

describe('a node that ends', () => {
  test('answers every request that has begun: those it has read, and those that come soon', async (t) => {
    const tower = await startHttpTower(t);
    const url = urlOf(tower);
    const begun = await Promise.all(
      both.flatMap((client, n) =>
        ['read', 'half', 'header', 'nothing', 'half, then the rest'].map(async (sent, m) => {
          const plugin = await registeredPlugin(tower, n === 0 ? 'rustPlugin' : 'pythonPlugin');
          const asked = plugin.asker.add(anAppointment(`${n}${m}`));
          const bytes = bytesOf(client.dialect, '/add_appointment', url, asked);
          const line = openLine(url);
          line.socket.write(sent === 'read' ? bytes : bytes.subarray(0, sizeOf(sent, bytes)));
          return { client, asked, sent, bytes, line };
        }),
      ),
    );
    await until('all are inside', () => begun.every(({ line }) => !line.socket.connecting));
    const stopped = tower.stopNode();
    for (const { line, bytes, sent } of begun)
      if (sent === 'half, then the rest') line.socket.write(bytes.subarray(sizeOf(sent, bytes)));
    for (const { client, asked, sent, line } of begun) {
      const came = await line.came;
      const expected = sent === 'read' || sent === 'half, then the rest' ? 'accepted' : keptBy(client);
      assert.equal(concluded(tower, client, asked, came), expected, `${client.name}, ${sent}: ${show(came)}`);
    }
    await stopped;
    const late = await call('rust', url, '/register', {});
    assert.equal(late.kind, 'refused');
  });

  test('and its log with it: what was asked meanwhile is kept by its client', async (t) => {
    const tower = await startHttpTower(t);
    const url = urlOf(tower);
    const plugins = await Promise.all([registeredPlugin(tower, 'rustPlugin'), registeredPlugin(tower, 'pythonPlugin')]);
    tower.nats.child.kill('SIGSTOP');
    const lines = both.map((client, n) => {
      const asked = plugins[n]?.asker.add(anAppointment('1')) ?? assert.fail();
      const line = openLine(url);
      line.socket.write(bytesOf(client.dialect, '/add_appointment', url, asked));
      return { client, asked, line };
    });
    await until('both are inside', () => lines.every(({ line }) => !line.socket.connecting));
    const stopped = tower.stopNode();
    for (const { client, asked, line } of lines) {
      const came = await line.came;
      assert.equal(concluded(tower, client, asked, came), keptBy(client), show(came));
    }
    tower.nats.child.kill('SIGCONT');
    await stopped;
  });

  test('leaves another one that knows all: the same receipt again, charged once; a user of a moment ago is known', async (t) => {
    const tower = await startHttpTower(t, { settings: { 'http.listen': '127.0.0.1:0' } });
    const other = await tower.startNode('two');
    const url = other.httpUrls[0] ?? assert.fail();
    for (const client of both) {
      const kind = client === clients.rustPlugin ? 'rustPlugin' : 'pythonPlugin';
      const plugin = await registeredPlugin(tower, kind);
      const appointment = anAppointment('7');
      // The other node has not necessarily heard of the user when it is asked.
      const first = await offer(tower, client, plugin.asker, appointment, url);
      assert.equal(first.conclusion, 'accepted', show(first.came));
      const again = await offer(tower, client, plugin.asker, appointment);
      assert.deepEqual([again.conclusion, receiptIn(again.came)], ['accepted', receiptIn(first.came)]);
      const stranger = await registeredPlugin(tower, kind);
      const shown = await call(client.dialect, url, '/get_subscription_info', stranger.asker.subscription());
      assert.equal(shown.kind === 'answer' && shown.status, 200, show(shown));
    }
    const plugin = await registeredPlugin(tower, 'rustPlugin');
    await tower.stopNode();
    const { conclusion, came } = await offer(tower, clients.rustPlugin, plugin.asker, anAppointment('8'), url);
    assert.equal(conclusion, 'accepted', show(came));
  });
});

/** A receipt, and the slots that are left. */
function receiptIn(came: Awaited<ReturnType<typeof call>>) {
  const { signature, start_block, available_slots } = (came.kind === 'answer' && objectIn(came.body)) || {};
  return { signature, start_block, available_slots };
}

function sizeOf(sent: string, bytes: Buffer): number {
  if (sent === 'nothing') return 0;
  return sent === 'header' ? bytes.indexOf('\r\n\r\n') : bytes.length - 50;
}
