import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import { toHex } from '../../events/bytes.js';
import type { Appointment } from '../../events/signing/appointment.js';
import { Dialect } from '../../events/signing/receipts.js';
import { txid } from '../fixtures/ids.js';
import { DELAY, error, fieldsOf, HttpUser, notFound, type Told } from '../support/http-user.js';
import { startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** POST /get_appointment (teos-protocol A6), and what is triggered (A5). Successes carry the fields of both generations. */

const http = { 'http.listen': '127.0.0.1:0' };
const bytes = new Uint8Array(100);

const watched = ({ locator, encryptedBlob, toSelfDelay }: Appointment): Told => [
  200,
  {
    locator,
    status: 'being_watched',
    appointment: { locator, encrypted_blob: toHex(encryptedBlob), to_self_delay: toSelfDelay },
  },
];

/** Both txids are in display order. */
const responded = ({ locator }: Appointment, { disputeTxid, penaltyTxid, penaltyTx }: Breach): Told => [
  200,
  {
    locator,
    status: 'dispute_responded',
    appointment: { locator, dispute_txid: disputeTxid, penalty_txid: penaltyTxid, penalty_rawtx: penaltyTx },
  },
];

/** What cannot be a locator / what a rust client is told; a python client is sent it back, as not found. */
const BAD: [locator: unknown, rust: Told][] = [
  [undefined, error(400, 1, 'missing field `locator`')],
  [null, error(400, 3, 'invalid type: null, expected a string')],
  [7, error(400, 3, 'invalid type: integer `7`, expected a string')],
  ['', error(400, 2, '`locator` field is empty')],
  ['abc', error(400, 5, 'Odd number of digits')],
  ['xy'.repeat(16), error(400, 5, "Invalid character 'x' at position 0")],
  ['ab'.repeat(15), error(400, 4, 'Wrong `locator` field size. Expected 16, received 15')],
  ['ab'.repeat(17), error(400, 4, 'Wrong `locator` field size. Expected 16, received 17')],
];

test('POST /get_appointment: every row of A6', async (t) => {
  const tower = await startTestTower(t, { settings: http });
  for (const dialect of Dialect.options) {
    const newUser = () => new HttpUser(() => tower.node.httpUrls[0], dialect);
    const user = newUser();
    await user.register();
    const appointment = user.appointment(txid(dialect), bytes);
    const { locator } = appointment;

    await t.test(`${dialect}: being watched, after an update with what it was updated to`, async () => {
      assert.equal(appointment.toSelfDelay, DELAY[dialect]);
      await user.add(appointment);
      assert.deepEqual(await user.get(locator), watched(appointment));
      const update = { ...appointment, encryptedBlob: new Uint8Array(7).fill(7), toSelfDelay: 144 };
      await user.add(update);
      assert.deepEqual(await user.get(locator), watched(update));
    });

    for (const [bad, rust] of BAD)
      await t.test(`${dialect}: a locator that is ${JSON.stringify(bad)}`, async () => {
        const answer = await user.post('/get_appointment', { locator: bad, signature: 'y'.repeat(104) });
        assert.deepEqual(answer, dialect === 'python' ? notFound(bad ?? null) : rust);
      });

    const unauthenticated = dialect === 'python' ? notFound(locator) : error(401, 7, 'User cannot be authenticated');
    await t.test(`${dialect}: a user that is unknown, a signature that is none or of something else`, async () => {
      assert.deepEqual(await newUser().get(locator), unauthenticated);
      const other = user.sign(appointment);
      for (const signature of ['aaaaaaaa', 'y'.repeat(104), other])
        assert.deepEqual(await user.post('/get_appointment', { locator, signature }), unauthenticated);
    });

    for (const [signature, rust] of [
      [undefined, error(400, 1, 'missing field `signature`')],
      ['', error(400, 2, '`signature` field is empty')],
      [7, error(400, 3, 'invalid type: integer `7`, expected a string')],
    ] as const)
      await t.test(`${dialect}: a signature that is ${JSON.stringify(signature)}`, async () => {
        const answer = await user.post('/get_appointment', { locator, signature });
        assert.deepEqual(answer, dialect === 'python' ? notFound(locator) : rust);
      });

    await t.test(`${dialect}: an appointment that there is not, or that is another user's`, async () => {
      const unknown = (locator: string) =>
        dialect === 'python' ? notFound(locator) : error(404, 36, 'Appointment not found');
      assert.deepEqual(await user.get('00'.repeat(16)), unknown('00'.repeat(16)));
      const other = newUser();
      await other.register();
      assert.deepEqual(await other.get(locator), unknown(locator));
    });

    await t.test(`${dialect}: a locator as it is spelt is what was signed`, async () => {
      const upper = locator.toUpperCase();
      const answer = await user.get(upper);
      assert.deepEqual([answer[0], fieldsOf(answer).locator], [200, locator]);
      assert.equal(
        fieldsOf(await user.get('AB'.repeat(16))).locator,
        dialect === 'python' ? 'AB'.repeat(16) : undefined,
      );
    });
  }

  // Differs: the towers that exist answer 503.
  await t.test('bitcoind down: all is answered as before', async () => {
    await tower.bitcoind.stop();
    for (const dialect of Dialect.options) {
      const user = new HttpUser(() => tower.node.httpUrls[0], dialect);
      await user.register();
      const appointment = user.appointment(txid('late'), bytes);
      const added = await user.add(appointment);
      assert.deepEqual([added[0], fieldsOf(added).start_block], [200, 110]);
      assert.deepEqual(await user.get(appointment.locator), watched(appointment));
      assert.equal((await user.info())[0], 200);
    }
  });
});

describe('a breach over HTTP', () => {
  test('of two users, one of each generation: both byte orders are triggered by the one transaction', async (t) => {
    const tower = await startTestTower(t, { settings: http });
    const [channel] = await openChannels(tower.chain, 1);
    assert(channel);
    const breach = buildBreach(channel);
    await untilLevel(() => tower.node, tower.chain);
    const users = Dialect.options.map((dialect) => new HttpUser(() => tower.node.httpUrls[0], dialect));
    const kept = users.map((user) => ({ user, appointment: user.appointment(breach.disputeTxid, breach.penaltyTx) }));
    for (const { user, appointment } of kept) {
      await user.register();
      assert.equal((await user.add(appointment))[0], 200);
      assert.deepEqual(await user.get(appointment.locator), watched(appointment));
    }
    assert.notEqual(kept[0]?.appointment.locator, kept[1]?.appointment.locator);

    await tower.chain.mineOnly([breach.disputeTx]);
    for (const { user, appointment } of kept) {
      await until(`${user.dialect}: answered`, async () => (await shown(user, appointment)) === 'dispute_responded');
      assert.deepEqual(await user.get(appointment.locator), responded(appointment, breach));
      assert.deepEqual(fieldsOf(await user.info()).locators, [appointment.locator]);

      const triggered = 'The provided appointment has already been triggered';
      const refused =
        user.dialect === 'python' ? error(400, -9, `appointment rejected. ${triggered}`) : error(400, 35, triggered);
      assert.deepEqual(await user.add({ ...appointment, encryptedBlob: bytes }), refused);
      // On purpose not so for the very same one: its first answer may have been lost, and a refusal files it as invalid.
      assert.equal((await user.add(appointment))[0], 200);
      assert.equal(fieldsOf(await user.info()).available_slots, 9_999);
    }

    await tower.chain.mine(100);
    for (const { user, appointment } of kept) {
      await until(`${user.dialect}: over`, async () => (await user.get(appointment.locator))[0] === 404);
      assert.equal(fieldsOf(await user.info()).available_slots, 10_000, 'the slot is given back');
    }
  });
});

const shown = async (user: HttpUser, { locator }: Appointment) => fieldsOf(await user.get(locator)).status;
