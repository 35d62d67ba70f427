import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { towerKeyOf } from '../../actors/secrets.js';
import { fromHex } from '../../events/bytes.js';
import { BlockHash, Locator } from '../../events/ids.js';
import { txid } from '../fixtures/ids.js';
import { encryption, exchange, notSignatures, signedMessages } from '../fixtures/teos-vectors.js';
import { addRequest, error, fieldsOf, HttpUser, notFound, type Told, vectorUser } from '../support/http-user.js';
import type { Cleanup } from '../support/temp-dir.js';
import { startTestTower, type TestTower, untilLevel } from '../support/tower.js';

/** The vectors of teos-protocol part G through the HTTP door: known requests in, known receipts out, to the letter. */

const { python, rust, startBlock, userId } = exchange;

/** A tower with the vectors' key, begun on a chain of so many blocks. */
async function towerAt(t: Cleanup, height: number, settings: Record<string, string> = {}): Promise<TestTower> {
  const key = towerKeyOf(fromHex(exchange.towerSecret));
  const tower = await startTestTower(t, { settings: { 'http.listen': '127.0.0.1:0', ...settings }, key, begin: false });
  const missing = height - (await tower.chain.height());
  if (missing > 0) await tower.chain.mine(missing);
  else await tower.chain.invalidate(BlockHash.parse(await tower.bitcoind.rpc.call('getblockhash', height + 1)));
  await tower.restartNode();
  await untilLevel(() => tower.node, tower.chain);
  return tower;
}

const appointmentOf = ({ locator, blob, toSelfDelay }: typeof python) => ({
  locator,
  encrypted_blob: blob,
  to_self_delay: toSelfDelay,
});

const watched = (vector: typeof python): Told => [
  200,
  { locator: vector.locator, status: 'being_watched', appointment: appointmentOf(vector) },
];

describe('G4 over HTTP', () => {
  for (const [dialect, { slots, start, expiry, registrationSignature }] of [
    ['python', python],
    ['rust', rust],
  ] as const)
    test(`the registration of a ${dialect} client`, async (t) => {
      const terms = { 'subscription.slots': `${slots}`, 'subscription.duration': `${expiry - start}` };
      const tower = await towerAt(t, start, terms);
      const user = vectorUser(() => tower.node.httpUrls[0], dialect);
      assert.deepEqual(await user.post('/register', { [dialect === 'python' ? 'public_key' : 'user_id']: userId }), [
        200,
        {
          user_id: userId,
          public_key: userId,
          available_slots: slots,
          subscription_start: start,
          subscription_expiry: expiry,
          subscription_signature: registrationSignature,
        },
      ]);
    });

  for (const [dialect, vector] of [
    ['python', python],
    ['rust', rust],
  ] as const)
    test(`the ${dialect} appointment, its receipt, and both questions`, async (t) => {
      const tower = await towerAt(t, startBlock);
      const { getAppointmentSignature, getSubscriptionInfoSignature } = exchange;
      const user = vectorUser(() => tower.node.httpUrls[0], dialect);
      assert.equal((await user.register())[0], 200);
      const left = { available_slots: 10_000 - 1, subscription_expiry: startBlock + 4_320 };
      const request = { appointment: appointmentOf(vector), signature: vector.userSignature };
      assert.deepEqual(await user.post('/add_appointment', request), [
        200,
        { locator: vector.locator, start_block: startBlock, signature: vector.receiptSignature, ...left },
      ]);
      assert.deepEqual(await user.get(vector.locator), watched(vector));
      if (dialect === 'python') {
        const { locator } = python;
        const asked = await user.post('/get_appointment', { locator, signature: getAppointmentSignature });
        assert.deepEqual(asked, watched(python));
      }
      const locators = [vector.locator];
      assert.deepEqual(await user.post('/get_subscription_info', { signature: getSubscriptionInfoSignature }), [
        200,
        { ...left, locators, appointments: locators },
      ]);
    });
});

describe('G1, G2 and G5 over HTTP', () => {
  test('G1: blobs come back as they were sent; G2: what is no signature, or one of something else, is nobody’s', async (t) => {
    for (const [dialect, locator, blob] of [
      ['python', encryption.python.txid.slice(0, 32), encryption.python.blob],
      ['rust', encryption.rust.internalHint, encryption.rust.blob],
    ] as const) {
      const tower = await startTestTower(t, { settings: { 'http.listen': '127.0.0.1:0' } });
      const user = vectorUser(() => tower.node.httpUrls[0], dialect);
      await user.register();
      const vector = { ...exchange[dialect], locator, blob };
      const { toSelfDelay } = vector;
      const sent = { locator: Locator.parse(locator), encryptedBlob: fromHex(blob), toSelfDelay };
      assert.equal((await user.add(sent))[0], 200);
      assert.deepEqual(await user.get(locator), watched(vector));
      for (const signature of [...notSignatures, ...signedMessages.map(({ signature }) => signature)]) {
        const added = await user.post('/add_appointment', { ...addRequest(sent, ''), signature });
        const got = await user.post('/get_appointment', { locator, signature });
        const text = 'Invalid signature or user does not have enough slots available';
        assert.deepEqual(
          [added, got],
          dialect === 'python'
            ? [error(400, -8, `appointment rejected. ${text}`), notFound(locator)]
            : [error(401, 7, text), error(401, 7, 'User cannot be authenticated')],
        );
      }
    }
  });

  test('G5, python, 100 slots: 99, 99, 98 and 99 as an appointment changes; two slots are not to be had for one', async (t) => {
    const tower = await towerAt(t, 100, { 'subscription.slots': '100' });
    const user = new HttpUser(() => tower.node.httpUrls[0], 'python');
    await user.register();
    const slotsAfter = async (label: string, hexDigits: number) => {
      const appointment = user.appointment(txid(label), '');
      const encryptedBlob = new Uint8Array(hexDigits / 2);
      return fieldsOf(await user.add({ ...appointment, encryptedBlob })).available_slots;
    };
    const sizes = [64, 64, 4098, 64]; // their test has 4097 digits, which is half a byte too many to be a blob
    const slots = [];
    for (const size of sizes) slots.push(await slotsAfter('one', size));
    assert.deepEqual(slots, [99, 99, 98, 99]);
    for (let i = 0; i < 7; i++) await slotsAfter(`fill ${i}`, 14 * 4096);
    assert.equal(await slotsAfter('two', 4098), undefined);
    assert.equal(await slotsAfter('two', 4096), 0);
  });

  test('G5, rust, 21 slots for 500 blocks from 100: renewed one block later, 42 slots until 1100', async (t) => {
    const tower = await towerAt(t, 100, { 'subscription.slots': '21', 'subscription.duration': '500' });
    const user = new HttpUser(() => tower.node.httpUrls[0], 'rust');
    const first = fieldsOf(await user.register());
    assert.deepEqual([first.available_slots, first.subscription_expiry], [21, 600]);
    await tower.chain.mine(1);
    await untilLevel(() => tower.node, tower.chain);
    const second = fieldsOf(await user.register());
    assert.deepEqual([second.available_slots, second.subscription_start, second.subscription_expiry], [42, 100, 1100]);
  });
});
