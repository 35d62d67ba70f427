import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dialect } from '../../events/signing/receipts.js';
import { txid } from '../fixtures/ids.js';
import { error, fieldsOf, HttpUser, type Told } from '../support/http-user.js';
import { startNatsProxy } from '../support/nats-proxy.js';
import { startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

const UNAVAILABLE = 'Service currently unavailable';

/**
 * The 503 rows of teos-protocol A4 to A7: the towers that exist answer them while bitcoind is away, ours while its log is.
 * Differs for a rust client that adds an appointment: 7, which keeps it, where 32 would make its plugin give it up for ever.
 */
test('every row of A4 to A7 that says that the service is not available', async (t) => {
  const tower = await startTestTower(t, { begin: false, settings: { 'http.listen': '127.0.0.1:0' } });
  const line = await startNatsProxy(t, tower.nats.port);
  const node = await tower.startNode('one', { natsUrl: line.url });
  await untilLevel(() => node, tower.chain);
  const users = Dialect.options.map((dialect) => new HttpUser(() => node.httpUrls[0], dialect));
  for (const user of users) await user.register();
  const expiry = fieldsOf(await (users[0] ?? assert.fail()).info()).subscription_expiry;

  line.swallow();
  // All at once: after the first of these answers nobody is let in for a while.
  const answers = users.map(async (user): Promise<[Dialect, Told[]]> => {
    const stranger = new HttpUser(() => node.httpUrls[0], user.dialect);
    const asked = [
      stranger.register(),
      user.add(user.appointment(txid('one'), new Uint8Array(100))),
      user.get('00'.repeat(16)),
      stranger.info(),
      user.info(),
    ];
    return [user.dialect, await Promise.all(asked)];
  });
  const info = [200, { available_slots: 10_000, subscription_expiry: expiry, locators: [], appointments: [] }];
  const python = error(503, undefined, 'Service unavailable');
  const rust = error(503, 32, UNAVAILABLE);
  const told = new Map(await Promise.all(answers));
  assert.deepEqual(told.get('python'), [python, python, python, python, info]);
  assert.deepEqual(told.get('rust'), [rust, error(503, 7, UNAVAILABLE), rust, rust, info]);

  line.cut();
  for (const user of users) {
    // Until the tower has its log again, it refuses connections, and the client tries again.
    const added = await until('back', async () => {
      const answer = await user.add(user.appointment(txid('one'), new Uint8Array(100))).catch(() => undefined);
      return answer?.[0] === 200 ? answer : undefined;
    });
    assert.equal(fieldsOf(added).available_slots, 9_999);
  }
});
