import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signerIs } from '../../events/signing/message.js';
import { appointmentReceipt } from '../../events/signing/receipts.js';
import { txid } from '../fixtures/ids.js';
import { addRequest, error, fieldsOf, HttpUser, type Told } from '../support/http-user.js';
import { startTestTower } from '../support/tower.js';

/** POST /add_appointment of a python client over HTTP, field by field in the order of teos-protocol A5. */

const locator = 'ab'.repeat(16);
const blob = 'cd'.repeat(40);
const fine = { locator, encrypted_blob: blob, to_self_delay: 20 };
const { locator: _l, ...noLocator } = fine;
const { to_self_delay: _d, ...noDelay } = fine;
const { encrypted_blob: _b, ...noBlob } = fine;

/** Each row's later fields are wrong too, so that the order is seen. */
const bad = { locator: 'x', to_self_delay: 'x', encrypted_blob: 'x' };
const badDelay = { ...bad, locator };
const badBlob = { ...badDelay, to_self_delay: 20 };

type Row = [title: string, appointment: unknown, code: number, text: string];
const ROWS: Row[] = [
  ['no appointment', undefined, -1, 'empty appointment received'],
  ['appointment null', null, -1, 'empty appointment received'],
  ['appointment a text', 'text', -7, 'wrong appointment format'],
  ['appointment a list', [fine], -7, 'wrong appointment format'],
  ['appointment 0', 0, -7, 'wrong appointment format'],
  ['no locator', { ...noLocator, to_self_delay: 'x' }, -1, 'empty locator received'],
  ['locator null', { ...bad, locator: null }, -1, 'empty locator received'],
  ['locator an int', { ...bad, locator: 7 }, -2, "wrong locator data type (<class 'int'>)"],
  ['locator a float', { ...bad, locator: 7.5 }, -2, "wrong locator data type (<class 'float'>)"],
  ['locator a bool', { ...bad, locator: true }, -2, "wrong locator data type (<class 'bool'>)"],
  ['locator a list', { ...bad, locator: [] }, -2, "wrong locator data type (<class 'list'>)"],
  ['locator a dict', { ...bad, locator: {} }, -2, "wrong locator data type (<class 'dict'>)"],
  ['locator empty', { ...bad, locator: '' }, -3, 'wrong locator size (0)'],
  ['locator short', { ...bad, locator: locator.slice(1) }, -3, 'wrong locator size (31)'],
  ['locator long', { ...bad, locator: `${locator}ab` }, -3, 'wrong locator size (34)'],
  ['locator with a newline', { ...bad, locator: `${locator}\n` }, -3, 'wrong locator size (33)'],
  ['locator not hex', { ...bad, locator: 'xy'.repeat(16) }, -4, `wrong locator format (${'xy'.repeat(16)})`],
  ['locator not ASCII', { ...bad, locator: 'é'.repeat(32) }, -4, `wrong locator format (${'é'.repeat(32)})`],
  ['no delay', { ...noDelay, encrypted_blob: 'x' }, -1, 'empty to_self_delay received'],
  ['delay null', { ...badDelay, to_self_delay: null }, -1, 'empty to_self_delay received'],
  ['delay a text', badDelay, -2, "wrong to_self_delay data type (<class 'str'>)"],
  ['delay a float', { ...badDelay, to_self_delay: 20.5 }, -2, "wrong to_self_delay data type (<class 'float'>)"],
  ['delay a bool', { ...badDelay, to_self_delay: true }, -2, "wrong to_self_delay data type (<class 'bool'>)"],
  [
    'delay above 2^32',
    { ...badDelay, to_self_delay: 2 ** 32 + 1 },
    -6,
    'to_self_delay must fit the transaction nLockTime field (4294967297 > 4294967296)',
  ],
  [
    'delay 2^32 (differs: the python tower answers 500)',
    { ...fine, to_self_delay: 2 ** 32 },
    -6,
    'to_self_delay must fit the transaction nLockTime field (4294967296 > 4294967295)',
  ],
  [
    'delay too small',
    { ...badDelay, to_self_delay: 19 },
    -5,
    'to_self_delay too small. The to_self_delay should be at least 20 (current: 19)',
  ],
  [
    'delay too small, and nothing else',
    { ...fine, to_self_delay: 0 },
    -5,
    'to_self_delay too small. The to_self_delay should be at least 20 (current: 0)',
  ],
  [
    'delay negative',
    { ...fine, to_self_delay: -1 },
    -5,
    'to_self_delay too small. The to_self_delay should be at least 20 (current: -1)',
  ],
  ['no blob', noBlob, -1, 'empty encrypted_blob received'],
  ['blob null', { ...badBlob, encrypted_blob: null }, -1, 'empty encrypted_blob received'],
  ['blob an int', { ...badBlob, encrypted_blob: 7 }, -2, "wrong encrypted_blob data type (<class 'int'>)"],
  ['blob empty', { ...badBlob, encrypted_blob: '' }, -4, 'wrong encrypted_blob format ()'],
  ['blob not hex', { ...badBlob, encrypted_blob: 'xy' }, -4, 'wrong encrypted_blob format (xy)'],
  [
    'blob not hex and long (differs: the python tower repeats all of it)',
    { ...badBlob, encrypted_blob: 'xy'.repeat(100) },
    -4,
    `wrong encrypted_blob format (${'xy'.repeat(32)}...)`,
  ],
  [
    'blob with a newline (differs: the python tower lets it pass)',
    { ...fine, encrypted_blob: `${blob}\n` },
    -4,
    `wrong encrypted_blob format (${blob.slice(0, 64)}...)`,
  ],
  [
    'blob of an odd length (differs: the python tower answers 503)',
    { ...fine, encrypted_blob: 'abc' },
    -4,
    'wrong encrypted_blob format (abc)',
  ],
  [
    'blob above the limit (differs: the python tower has none)',
    { ...fine, encrypted_blob: 'ab'.repeat(4097) },
    -6,
    'encrypted_blob is too big: at most 4096 bytes, received 4097',
  ],
];

const NOT_GRANTED = 'Invalid signature or user does not have enough slots available';

test('POST /add_appointment of a python client: every row of A5', async (t) => {
  const settings = {
    'http.listen': '127.0.0.1:0',
    'subscription.slots': '3',
    'limits.max_blob_bytes': '4096',
  };
  const tower = await startTestTower(t, { settings });
  const newUser = () => new HttpUser(() => tower.node.httpUrls[0], 'python');
  const user = newUser();
  const [, { subscription_expiry: expiry }] = [200, fieldsOf(await user.register())];
  const rejected = (status: number, code: number | undefined, text: string): Told =>
    error(status, code, `appointment rejected. ${text}`);

  for (const [title, appointment, code, text] of ROWS)
    await t.test(title, async () => {
      const answer = await user.post('/add_appointment', { appointment, signature: 'y'.repeat(104) });
      assert.deepEqual(answer, rejected(400, code, text));
    });

  const signed = (label: string, size = 100) => user.appointment(txid(label), new Uint8Array(size));

  for (const [title, signature] of [
    ['no signature', undefined],
    ['an empty signature', ''],
    ['a signature of a wrong length', 'aaaaaaaa'],
    ['a signature that is garbage', '!'.repeat(104)],
    ["somebody else's signature", newUser().sign(signed('one'))],
    ['a signature of something else', user.sign(signed('two'))],
    ['a signature that is a number (differs: the python tower answers 500)', 7],
    ['a signature that is an object (differs: the python tower answers 500)', {}],
  ] as const)
    await t.test(`refused for ${title}`, async () => {
      const { appointment } = addRequest(signed('one'), '');
      assert.deepEqual(await user.post('/add_appointment', { appointment, signature }), rejected(400, -8, NOT_GRANTED));
    });

  await t.test('refused for a user that is unknown', async () => {
    assert.deepEqual(await newUser().add(signed('one')), rejected(400, -8, NOT_GRANTED));
  });

  await t.test(
    'granted: exactly these fields, start_block is the height, and the receipt is of the raw signature',
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
      const receipt = appointmentReceipt('python', { userSignature: user.sign(appointment), startBlock: 110 });
      assert.equal(receipt.length, 69);
      assert.ok(signerIs(receipt, String(signature), tower.key.towerId));
      assert.deepEqual(await user.add(appointment), answer, 'resent: the same answer');
    },
  );

  await t.test('an update replaces, charges what it is larger by and gives back what it is smaller by', async () => {
    const slotsAfter = async (size: number) => fieldsOf(await user.add(signed('one', size))).available_slots;
    assert.deepEqual([await slotsAfter(2048), await slotsAfter(4096 - 16), await slotsAfter(99)], [1, 1, 2]);
    const [, json] = await user.get(signed('one').locator);
    assert.match(JSON.stringify(json), /being_watched/);
    assert.deepEqual(fieldsOf(await user.info()).appointments, [signed('one').locator]);
  });

  await t.test('refused for too few slots; as many as needed are enough', async () => {
    await user.add(signed('two'));
    assert.deepEqual(await user.add(signed('three', 4000)), rejected(400, -8, NOT_GRANTED));
    assert.equal(fieldsOf(await user.add(signed('three'))).available_slots, 0);
    assert.deepEqual(await user.add(signed('three', 4000)), rejected(400, -8, NOT_GRANTED));
    assert.deepEqual(await user.add(signed('four')), rejected(400, -8, NOT_GRANTED));
  });

  await t.test(
    'a locator in upper case is taken for what it means (differs: the python tower never finds it)',
    async () => {
      const other = newUser();
      await other.register();
      const appointment = other.appointment(txid('upper'), new Uint8Array(100));
      const { appointment: json, signature } = addRequest(appointment, other.sign(appointment));
      const upper = { ...json, locator: appointment.locator.toUpperCase() };
      const answer = await other.post('/add_appointment', { appointment: upper, signature });
      assert.deepEqual([answer[0], fieldsOf(answer).locator], [200, appointment.locator]);
    },
  );
});
