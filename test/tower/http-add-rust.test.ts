import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signerIs } from '../../events/signing/message.js';
import { appointmentReceipt } from '../../events/signing/receipts.js';
import { txid } from '../fixtures/ids.js';
import { addRequest, error, fieldsOf, HttpUser } from '../support/http-user.js';
import { startTestTower } from '../support/tower.js';

/** POST /add_appointment of a rust client over HTTP, row by row of teos-protocol A5. */

const locator = 'ab'.repeat(16);
const signature = 'y'.repeat(104);
const fine = { locator, encrypted_blob: 'cd'.repeat(40), to_self_delay: 42 };
const without = (field: string) => Object.fromEntries(Object.entries(fine).filter(([name]) => name !== field));

type Row = [title: string, json: unknown, code: number, text: string];
const ROWS: Row[] = [
  ['no object', [], 3, 'invalid type: the request is not a JSON object'],
  ['nothing', {}, 1, 'missing field `signature`'],
  ['no appointment', { signature }, 1, 'missing field `appointment`'],
  ['appointment null', { appointment: null, signature }, 1, 'missing field `appointment`'],
  ['appointment a text', { appointment: 'x', signature }, 3, 'invalid type: string "x", expected struct Appointment'],
  ['no locator', { appointment: without('locator'), signature }, 1, 'missing field `locator`'],
  ['no blob', { appointment: without('encrypted_blob'), signature }, 1, 'missing field `encrypted_blob`'],
  ['no delay', { appointment: without('to_self_delay'), signature }, 1, 'missing field `to_self_delay`'],
  ['no signature', { appointment: fine }, 1, 'missing field `signature`'],
  [
    'locator a number',
    { appointment: { ...fine, locator: 7 }, signature },
    3,
    'invalid type: integer `7`, expected a string',
  ],
  ['locator null', { appointment: { ...fine, locator: null }, signature }, 3, 'invalid type: null, expected a string'],
  ['locator empty', { appointment: { ...fine, locator: '' }, signature }, 2, '`locator` field is empty'],
  [
    'locator short',
    { appointment: { ...fine, locator: locator.slice(2) }, signature },
    4,
    'Wrong `locator` field size. Expected 16, received 15',
  ],
  [
    'locator long',
    { appointment: { ...fine, locator: `${locator}ab` }, signature },
    4,
    'Wrong `locator` field size. Expected 16, received 17',
  ],
  ['locator odd', { appointment: { ...fine, locator: locator.slice(1) }, signature }, 5, 'Odd number of digits'],
  [
    'locator not hex',
    { appointment: { ...fine, locator: `abxy${locator.slice(4)}` }, signature },
    5,
    "Invalid character 'x' at position 2",
  ],
  [
    'blob a list',
    { appointment: { ...fine, encrypted_blob: [] }, signature },
    3,
    'invalid type: sequence, expected a string',
  ],
  ['blob odd', { appointment: { ...fine, encrypted_blob: 'abc' }, signature }, 5, 'Odd number of digits'],
  [
    'blob not hex',
    { appointment: { ...fine, encrypted_blob: 'ab\n\n' }, signature },
    5,
    "Invalid character '\n' at position 2",
  ],
  [
    'blob empty (differs: the rust tower takes it, for no slot)',
    { appointment: { ...fine, encrypted_blob: '' }, signature },
    2,
    '`encrypted_blob` field is empty',
  ],
  [
    'blob above the limit (differs: the rust tower has one for the whole request alone, of 914 bytes)',
    { appointment: { ...fine, encrypted_blob: 'ab'.repeat(4097) }, signature },
    34,
    'Wrong `encrypted_blob` field size. Expected 4096 at the most, received 4097',
  ],
  [
    'delay a text',
    { appointment: { ...fine, to_self_delay: '42' }, signature },
    3,
    'invalid type: string "42", expected u32',
  ],
  [
    'delay a fraction',
    { appointment: { ...fine, to_self_delay: 42.5 }, signature },
    3,
    'invalid type: floating point `42.5`, expected u32',
  ],
  [
    'delay 2^32',
    { appointment: { ...fine, to_self_delay: 2 ** 32 }, signature },
    6,
    'invalid value: integer `4294967296`, expected u32',
  ],
  [
    'delay negative',
    { appointment: { ...fine, to_self_delay: -1 }, signature },
    6,
    'invalid value: integer `-1`, expected u32',
  ],
  ['signature a number', { appointment: fine, signature: 7 }, 3, 'invalid type: integer `7`, expected a string'],
  ['signature null', { appointment: fine, signature: null }, 3, 'invalid type: null, expected a string'],
  ['signature empty', { appointment: fine, signature: '' }, 2, '`signature` field is empty'],
  [
    'locator and signature both empty: the locator first',
    { appointment: { ...fine, locator: '' }, signature: '' },
    2,
    '`locator` field is empty',
  ],
];

const NOT_GRANTED = error(401, 7, 'Invalid signature or user does not have enough slots available');

test('POST /add_appointment of a rust client: every row of A5', async (t) => {
  const settings = {
    'http.listen': '127.0.0.1:0',
    'subscription.slots': '3',
    'limits.max_blob_bytes': '4096',
  };
  const tower = await startTestTower(t, { settings });
  const newUser = () => new HttpUser(() => tower.node.httpUrls[0], 'rust');
  const user = newUser();
  const { subscription_expiry: expiry } = fieldsOf(await user.register());

  for (const [title, json, code, text] of ROWS)
    await t.test(title, async () => {
      assert.deepEqual(await user.post('/add_appointment', json), error(400, code, text));
    });

  const signed = (label: string, size = 100) => user.appointment(txid(label), new Uint8Array(size));

  for (const [title, signature] of [
    ['a signature of a wrong length', 'aaaaaaaa'],
    ['a signature that is garbage', '!'.repeat(104)],
    ["somebody else's signature", newUser().sign(signed('one'))],
    ['a signature of something else', user.sign(signed('two'))],
  ] as const)
    await t.test(`refused for ${title}`, async () => {
      const { appointment } = addRequest(signed('one'), '');
      assert.deepEqual(await user.post('/add_appointment', { appointment, signature }), NOT_GRANTED);
    });

  await t.test('refused for a user that is unknown', async () => {
    assert.deepEqual(await newUser().add(signed('one')), NOT_GRANTED);
  });

  await t.test(
    'granted: exactly these fields, start_block is the height, and the receipt is of the signature’s text',
    async () => {
      const appointment = signed('one');
      const answer = await user.add(appointment);
      const { signature, ...fields } = fieldsOf(answer);
      const expected = {
        locator: appointment.locator,
        start_block: 110,
        available_slots: 2,
        subscription_expiry: expiry,
      };
      assert.deepEqual([answer[0], fields], [200, expected]);
      const receipt = appointmentReceipt('rust', { userSignature: user.sign(appointment), startBlock: 110 });
      assert.equal(receipt.length, 108);
      assert.ok(signerIs(receipt, String(signature), tower.key.towerId));
      assert.deepEqual(await user.add(appointment), answer, 'resent: the same answer');
    },
  );

  await t.test('an update replaces, charges what it is larger by and gives back what it is smaller by', async () => {
    const slotsAfter = async (size: number) => fieldsOf(await user.add(signed('one', size))).available_slots;
    assert.deepEqual([await slotsAfter(2048), await slotsAfter(4096 - 16), await slotsAfter(99)], [1, 1, 2]);
    assert.deepEqual(fieldsOf(await user.info()).locators, [signed('one').locator]);
  });

  await t.test('refused for too few slots; as many as needed are enough', async () => {
    await user.add(signed('two'));
    assert.deepEqual(await user.add(signed('three', 4000)), NOT_GRANTED);
    assert.equal(fieldsOf(await user.add(signed('three'))).available_slots, 0);
    assert.deepEqual(await user.add(signed('three', 4000)), NOT_GRANTED);
    assert.deepEqual(await user.add(signed('four')), NOT_GRANTED);
  });

  await t.test('any delay of 32 bits is taken', async () => {
    const other = newUser();
    await other.register();
    for (const toSelfDelay of [0, 1, 2 ** 32 - 1]) {
      const appointment = { ...other.appointment(txid(`${toSelfDelay}`), new Uint8Array(100)), toSelfDelay };
      assert.equal((await other.add(appointment))[0], 200);
    }
  });
});
