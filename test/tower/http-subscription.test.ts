import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Dialect } from '../../events/signing/receipts.js';
import { txid } from '../fixtures/ids.js';
import { error, fieldsOf, HttpUser, type Told } from '../support/http-user.js';
import { startTestTower, untilLevel } from '../support/tower.js';

/** POST /get_subscription_info (teos-protocol A7), and what an expired subscription and a full tower are told (A4 to A6). */

const http = { 'http.listen': '127.0.0.1:0' };
const bytes = new Uint8Array(100);
const UNKNOWN = 'User not found. Have you registered?';

test('POST /get_subscription_info: every row of A7', async (t) => {
  const tower = await startTestTower(t, { settings: http });
  for (const dialect of Dialect.options) {
    const newUser = () => new HttpUser(() => tower.node.httpUrls[0], dialect);
    const user = newUser();
    const { subscription_expiry } = fieldsOf(await user.register());

    await t.test(`${dialect}: slots, expiry, and the locators under the names of both generations`, async () => {
      const info = (available_slots: number, locators: string[]): Told => [
        200,
        { available_slots, subscription_expiry, locators, appointments: locators },
      ];
      assert.deepEqual(await user.info(), info(10_000, []));
      const [one, two] = [user.appointment(txid('one'), bytes), user.appointment(txid('two'), bytes)];
      await user.add(one);
      await user.add(two);
      assert.deepEqual(await user.info(), info(9_998, [one.locator, two.locator]));
    });

    const nobody = dialect === 'python' ? error(400, -8, UNKNOWN) : error(401, 7, UNKNOWN);
    await t.test(`${dialect}: a user that is unknown, a signature that is none`, async () => {
      assert.deepEqual(await newUser().info(), nobody);
      assert.deepEqual(await user.post('/get_subscription_info', { signature: 'aaaaaaaa' }), nobody);
      assert.deepEqual(await user.post('/get_subscription_info', { signature: 'y'.repeat(104) }), nobody);
    });

    const unread: [signature: unknown, rust: Told][] = [
      [undefined, error(400, 1, 'missing field `signature`')],
      ['', error(400, 2, '`signature` field is empty')],
      [7, error(400, 3, 'invalid type: integer `7`, expected a string')],
      [null, error(400, 3, 'invalid type: null, expected a string')],
    ];
    for (const [signature, rust] of unread)
      await t.test(`${dialect}: a signature that is ${JSON.stringify(signature)}`, async () => {
        const expected = dialect === 'python' ? nobody : rust;
        assert.deepEqual(await user.post('/get_subscription_info', { signature }), expected);
      });
  }
});

describe('a subscription over HTTP', () => {
  for (const dialect of Dialect.options)
    test(`of a ${dialect} client: refused from the height of its expiry, and revived by a registration`, async (t) => {
      const settings = { ...http, 'subscription.duration': '3' };
      const tower = await startTestTower(t, { settings });
      const user = new HttpUser(() => tower.node.httpUrls[0], dialect);
      const { subscription_expiry: expiry } = fieldsOf(await user.register());
      assert.equal(expiry, 113);
      const appointment = user.appointment(txid('one'), bytes);
      await tower.chain.mine(2);
      await untilLevel(() => tower.node, tower.chain);
      const added = await user.add(appointment);
      assert.deepEqual([added[0], fieldsOf(added).start_block], [200, 112]);

      await tower.chain.mine(1);
      await untilLevel(() => tower.node, tower.chain);
      const over = (prefix = '') =>
        dialect === 'python'
          ? error(400, -8, `${prefix}Your subscription expired at block 113`)
          : error(401, 7, 'Your subscription expired at 113');
      assert.deepEqual(await user.add(appointment), over('appointment rejected. '));
      assert.deepEqual(await user.add(user.appointment(txid('two'), bytes)), over('appointment rejected. '));
      assert.deepEqual(await user.get(appointment.locator), over());
      assert.deepEqual(await user.get('00'.repeat(16)), over());
      assert.deepEqual(await user.info(), over());

      const renewed = await user.register();
      assert.deepEqual([renewed[0], fieldsOf(renewed).subscription_expiry], [200, 116]);
      assert.equal(fieldsOf(await user.get(appointment.locator)).status, 'being_watched');
      assert.equal((await user.add(user.appointment(txid('two'), bytes)))[0], 200);
    });

  test('of a tower that is full: python 503 without a code; rust 7 (differs: it has no limit, and 32 would hurt)', async (t) => {
    const tower = await startTestTower(t, { settings: { ...http, 'limits.max_appointments': '1' } });
    const url = () => tower.node.httpUrls[0];
    const [python, rust] = [new HttpUser(url, 'python'), new HttpUser(url, 'rust')];
    for (const user of [python, rust]) await user.register();
    const held = python.appointment(txid('one'), bytes);
    const granted = await python.add(held);
    assert.equal(granted[0], 200);
    assert.deepEqual(
      await python.add(python.appointment(txid('two'), bytes)),
      error(503, undefined, 'appointment rejected'),
    );
    assert.deepEqual(
      await rust.add(rust.appointment(txid('two'), bytes)),
      error(503, 7, 'Service currently unavailable'),
    );
    assert.deepEqual(await python.add(held), granted, 'what it has may be sent again');
    assert.equal((await python.add(python.appointment(txid('one'), new Uint8Array(200))))[0], 200, 'and updated');
  });
});
