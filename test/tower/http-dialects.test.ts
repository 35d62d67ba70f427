import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { signerIs } from '../../events/signing/message.js';
import { appointmentReceipt, Dialect, registrationReceipt } from '../../events/signing/receipts.js';
import { txid } from '../fixtures/ids.js';
import { HEADERS, request, send, spellJson, told } from '../support/http.js';
import { error, fieldsOf, HttpUser, notFound } from '../support/http-user.js';
import { isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** Which words a client hears: those its user registered with; before, what it looks like; at a port of its own, those alone. */

const UNKNOWN = 'User not found. Have you registered?';
const SLOTS = 'Invalid signature or user does not have enough slots available';

describe('a client over HTTP', () => {
  test('that is not known is spoken to as it looks', async (t) => {
    const tower = await startTestTower(t, { settings: { 'http.listen': '127.0.0.1:0' } });
    const url = tower.node.httpUrls[0] ?? '';
    const json = { signature: 'y'.repeat(104) };
    const ask = async (headers: readonly string[], spelling: Dialect) =>
      told(await send(url, request('POST', '/get_subscription_info', headers, spellJson[spelling](json))));
    const [asPython, asRust] = [error(400, -8, UNKNOWN), error(401, 7, UNKNOWN)];
    assert.deepEqual(await ask(HEADERS.python, 'python'), asPython);
    assert.deepEqual(await ask(HEADERS.python, 'rust'), asPython, 'by its name alone');
    assert.deepEqual(await ask(HEADERS.rust, 'python'), asPython, 'by its spaces alone');
    assert.deepEqual(await ask(HEADERS.rust, 'rust'), asRust);
    assert.deepEqual(await ask([...HEADERS.rust, 'User-Agent: curl/8.5.0'], 'rust'), asRust);
  });

  test('that is known is spoken to as it registered, whatever it looks like', async (t) => {
    const tower = await startTestTower(t, { settings: { 'http.listen': '127.0.0.1:0', 'subscription.slots': '1' } });
    for (const dialect of Dialect.options) {
      const user = new HttpUser(() => tower.node.httpUrls[0], dialect);
      await user.register();
      const large = user.appointment(txid('large'), new Uint8Array(3000));
      const refused = dialect === 'python' ? error(400, -8, `appointment rejected. ${SLOTS}`) : error(401, 7, SLOTS);
      for (const looks of Dialect.options) assert.deepEqual(await user.as(looks).add(large), refused);
    }
  });

  test('has only the words of its generation at a port for that generation, until its user is known', async (t) => {
    const settings = {
      'http.listen': 'off',
      'http.python_listen': '127.0.0.1:0',
      'http.rust_listen': '127.0.0.1:0',
    };
    const tower = await startTestTower(t, { settings });
    assert.equal(tower.node.httpUrls.length, 2);
    const at = (port: Dialect) => () => tower.node.httpUrls[port === 'python' ? 0 : 1];
    for (const looks of Dialect.options) {
      const [python, rust] = [new HttpUser(at('python'), looks), new HttpUser(at('rust'), looks)];
      const { userId } = python;
      assert.deepEqual(await python.info(), error(400, -8, UNKNOWN));
      assert.deepEqual(await rust.info(), error(401, 7, UNKNOWN));
      assert.deepEqual(await python.post('/add_appointment', []), error(400, -65, 'Invalid request content'));
      assert.deepEqual(
        await rust.post('/add_appointment', []),
        error(400, 3, 'invalid type: the request is not a JSON object'),
      );
      assert.deepEqual(
        await python.post('/register', { user_id: userId }),
        error(400, -33, 'public_key not found in register message'),
      );
      assert.deepEqual(await rust.post('/register', { public_key: userId }), error(400, 1, 'missing field `user_id`'));

      const registered = fieldsOf(await python.post('/register', { public_key: userId }));
      const receipt = registrationReceipt('python', {
        userId,
        slots: Number(registered.available_slots),
        start: Number(registered.subscription_start),
        expiry: Number(registered.subscription_expiry),
      });
      assert.ok(signerIs(receipt, String(registered.subscription_signature), tower.key.towerId));
      assert.equal((await python.info())[0], 200);
    }
  });
});

describe('a key that registers as one generation and then as the other', () => {
  for (const [dialect, other] of [
    ['python', 'rust'],
    ['rust', 'python'],
  ] as const)
    test(`stays ${dialect}, whoever registers it as ${other}: receipts, words and scheme`, async (t) => {
      const tower = await startTestTower(t, { settings: { 'http.listen': '127.0.0.1:0' } });
      const [channel] = await openChannels(tower.chain, 1);
      assert(channel);
      const breach = buildBreach(channel);
      await untilLevel(() => tower.node, tower.chain);
      const startBlock = await tower.chain.height();
      const user = new HttpUser(() => tower.node.httpUrls[0], dialect);
      const stranger = user.as(other);
      const registered = fieldsOf(await user.register());

      assert.deepEqual(
        await stranger.register(),
        other === 'python'
          ? error(400, -34, 'Provided public key is registered by a client of the rust generation (as user_id)')
          : error(400, 5, 'Provided user_id is registered by a client of the python generation (as public_key)'),
      );
      const { available_slots, subscription_expiry } = fieldsOf(await user.info());
      assert.deepEqual(
        [available_slots, subscription_expiry],
        [registered.available_slots, registered.subscription_expiry],
        'nothing was added',
      );

      const appointment = user.appointment(breach.disputeTxid, breach.penaltyTx);
      const { signature } = fieldsOf(await user.add(appointment));
      const receipt = appointmentReceipt(dialect, { userSignature: user.sign(appointment), startBlock });
      assert.ok(signerIs(receipt, String(signature), tower.key.towerId));
      const none = '00'.repeat(16);
      const missing = dialect === 'python' ? notFound(none) : error(404, 36, 'Appointment not found');
      for (const looks of Dialect.options) assert.deepEqual(await user.as(looks).get(none), missing);
      await tower.chain.mineOnly([breach.disputeTx]);
      await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    });
});
