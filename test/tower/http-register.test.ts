import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { signerIs } from '../../events/signing/message.js';
import { Dialect, registrationReceipt } from '../../events/signing/receipts.js';
import { error, fieldsOf, HttpUser } from '../support/http-user.js';
import { startTestTower } from '../support/tower.js';

/** POST /register over HTTP, row by row of teos-protocol A4. */

const settings = { 'http.listen': '127.0.0.1:0', 'subscription.slots': '100', 'subscription.duration': '500' };
const key = `02${'ab'.repeat(32)}`;
/** 33 bytes that are no point of the curve. */
const offCurve = `02${'0'.repeat(64)}`;

const PY_FORMAT = 'Provided public key does not match expected format (33-byte hex string)';

/** What is sent instead of a key / code / text. */
const PYTHON: [title: string, body: Record<string, unknown>, code: number, text: string][] = [
  ['missing', {}, -33, 'public_key not found in register message'],
  ['null', { public_key: null }, -33, 'public_key not found in register message'],
  ['empty', { public_key: '' }, -33, 'public_key not found in register message'],
  ['falsy: 0', { public_key: 0 }, -33, 'public_key not found in register message'],
  ['falsy: false', { public_key: false }, -33, 'public_key not found in register message'],
  ['falsy: []', { public_key: [] }, -33, 'public_key not found in register message'],
  ['falsy: {}', { public_key: {} }, -33, 'public_key not found in register message'],
  ['too short', { public_key: key.slice(2) }, -34, PY_FORMAT],
  ['too long', { public_key: `${key}00` }, -34, PY_FORMAT],
  ['not compressed', { public_key: `04${key.slice(2)}` }, -34, PY_FORMAT],
  ['not hex', { public_key: `02${'xy'.repeat(32)}` }, -34, PY_FORMAT],
  ['with a newline (differs: the python tower lets it pass)', { public_key: `${key}\n` }, -34, PY_FORMAT],
  ['no point (differs: the python tower does not look)', { public_key: offCurve }, -34, PY_FORMAT],
  ['no text (differs: the python tower answers 500 in HTML)', { public_key: 7 }, -34, PY_FORMAT],
];

const RUST: [title: string, body: unknown, code: number, text: string][] = [
  ['missing', {}, 1, 'missing field `user_id`'],
  ['empty', { user_id: '' }, 2, '`user_id` field is empty'],
  ['a number', { user_id: 7 }, 3, 'invalid type: integer `7`, expected a string'],
  ['a fraction', { user_id: 7.5 }, 3, 'invalid type: floating point `7.5`, expected a string'],
  ['null', { user_id: null }, 3, 'invalid type: null, expected a string'],
  ['a list', { user_id: [] }, 3, 'invalid type: sequence, expected a string'],
  ['an object', { user_id: {} }, 3, 'invalid type: map, expected a string'],
  ['true', { user_id: true }, 3, 'invalid type: boolean `true`, expected a string'],
  ['too short', { user_id: key.slice(2) }, 4, 'Wrong `user_id` field size. Expected 33, received 32'],
  ['too long', { user_id: `${key}00` }, 4, 'Wrong `user_id` field size. Expected 33, received 34'],
  ['odd', { user_id: key.slice(1) }, 5, 'Odd number of digits'],
  ['not hex', { user_id: `02x${key.slice(3)}` }, 5, "Invalid character 'x' at position 2"],
  ['no point', { user_id: offCurve }, 5, 'Provided public key does not match expected format (33-byte compressed key)'],
  ['no object', 'text', 3, 'invalid type: the request is not a JSON object'],
];

test('POST /register: every row of A4', async (t) => {
  const tower = await startTestTower(t, { settings });
  const url = () => tower.node.httpUrls[0];

  for (const dialect of Dialect.options)
    await t.test(`${dialect}: granted, and renewed in the same block with more slots and a later expiry`, async () => {
      const user = new HttpUser(url, dialect);
      // Differs for python, whose own tower resets the expiry: it accumulates for both, as the rust plugin requires.
      for (const times of [1, 2, 3]) {
        const [status, json] = await user.register();
        const { subscription_signature: signature, ...fields } = fieldsOf([status, json]);
        const terms = { slots: 100 * times, start: 110, expiry: 110 + 500 * times };
        assert.deepEqual(
          [status, fields],
          [
            200,
            {
              user_id: user.userId,
              public_key: user.userId,
              available_slots: terms.slots,
              subscription_start: terms.start,
              subscription_expiry: terms.expiry,
            },
          ],
        );
        const receipt = registrationReceipt(dialect, { userId: user.userId, ...terms });
        assert.equal(receipt.length, dialect === 'python' ? 41 : 45);
        assert.ok(signerIs(receipt, String(signature), tower.key.towerId));
        assert.match(String(signature), /^[a-km-uw-z13-9]{104}$/);
      }
    });

  for (const [title, body, code, text] of PYTHON)
    await t.test(`python: a key that is ${title}`, async () => {
      assert.deepEqual(await new HttpUser(url, 'python').post('/register', body), error(400, code, text));
    });

  for (const [title, body, code, text] of RUST)
    await t.test(`rust: a key that is ${title}`, async () => {
      assert.deepEqual(await new HttpUser(url, 'rust').post('/register', body), error(400, code, text));
    });

  for (const dialect of Dialect.options)
    await t.test(`${dialect}: a key in upper case is the same key`, async () => {
      const user = new HttpUser(url, dialect);
      const name = dialect === 'python' ? 'public_key' : 'user_id';
      const answer = await user.post('/register', { [name]: user.userId.toUpperCase() });
      assert.deepEqual([answer[0], fieldsOf(answer)[name]], [200, user.userId]);
    });
});

describe('POST /register', () => {
  test('with more slots than 32 bits hold', async (t) => {
    // The last registration that fits gives 2^32 - 2 slots.
    const tower = await startTestTower(t, { settings: { ...settings, 'subscription.slots': String(2 ** 31 - 1) } });
    for (const [dialect, refused] of [
      ['python', error(400, -34, 'Maximum slots reached for the subscription')],
      ['rust', error(400, 65, 'Subscription maximum slots count reached')],
    ] as const) {
      const user = new HttpUser(() => tower.node.httpUrls[0], dialect);
      await user.register();
      const last = await user.register();
      assert.deepEqual([last[0], fieldsOf(last).available_slots], [200, 2 ** 32 - 2]);
      assert.deepEqual(await user.register(), refused);
    }
  });

  // Differs: the towers that exist answer 503.
  test('is granted while bitcoind is down, at the last height known', async (t) => {
    const tower = await startTestTower(t, { settings });
    await tower.bitcoind.stop();
    for (const dialect of Dialect.options) {
      const answer = await new HttpUser(() => tower.node.httpUrls[0], dialect).register();
      assert.deepEqual([answer[0], fieldsOf(answer).subscription_start], [200, 110]);
    }
  });
});
