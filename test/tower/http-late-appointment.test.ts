import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import { Dialect } from '../../events/signing/receipts.js';
import { error, fieldsOf, HttpUser, notFound } from '../support/http-user.js';
import { startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** A locator found among the last six blocks (teos-protocol A5), over HTTP: always a receipt, whatever the blob is worth. */
test('an appointment whose dispute is among the last six blocks', async (t) => {
  const tower = await startTestTower(t, { settings: { 'http.listen': '127.0.0.1:0' } });
  const channels = await openChannels(tower.chain, 4);
  const breaches = channels.map((channel, i) => buildBreach(channel, i === 3 ? { flaw: 'no-witness' } : {}));
  const [old, good, other, unsigned] = breaches;
  assert(old && good && other && unsigned);
  await tower.chain.mineOnly([old.disputeTx]);
  await tower.chain.mineOnly([good.disputeTx, other.disputeTx, unsigned.disputeTx]);
  for (let i = 0; i < 5; i++) await tower.chain.mineOnly();
  await untilLevel(() => tower.node, tower.chain);
  const height = await tower.chain.height();

  for (const dialect of Dialect.options) {
    const user = new HttpUser(() => tower.node.httpUrls[0], dialect);
    await user.register();
    const slots = async () => Number(fieldsOf(await user.info()).available_slots);
    const gone = (locator: string) =>
      dialect === 'python' ? notFound(locator) : error(404, 36, 'Appointment not found');
    const accepted = async (appointment: ReturnType<HttpUser['appointment']>, slots: number) => {
      const answer = await user.add(appointment);
      assert.deepEqual(
        [answer[0], fieldsOf(answer).start_block, fieldsOf(answer).available_slots],
        [200, height, slots],
      );
    };

    await t.test(`${dialect}: a penalty that is in order is sent at once, and never merely watched`, async () => {
      const appointment = user.appointment(good.disputeTxid, good.penaltyTx);
      await accepted(appointment, 9_999);
      await until('answered', async () => fieldsOf(await user.get(appointment.locator)).status === 'dispute_responded');
      const { appointment: shown } = fieldsOf(await user.get(appointment.locator));
      assert.deepEqual(shown, {
        locator: appointment.locator,
        dispute_txid: good.disputeTxid,
        penalty_txid: good.penaltyTxid,
        penalty_rawtx: good.penaltyTx,
      });
    });

    const useless: [
      title: string,
      breach: Breach,
      appointment: (breach: Breach) => ReturnType<HttpUser['appointment']>,
    ][] = [
      [
        'that cannot be decrypted',
        other,
        ({ disputeTxid }) => ({
          ...user.appointment(disputeTxid, new Uint8Array()),
          encryptedBlob: new Uint8Array(100).fill(7),
        }),
      ],
      ['that bitcoind can never accept', unsigned, (breach) => user.appointment(breach.disputeTxid, breach.penaltyTx)],
    ];
    for (const [title, breach, make] of useless)
      await t.test(`${dialect}: a blob ${title}: a receipt, charged, then not found`, async () => {
        const before = await slots();
        const appointment = make(breach);
        await accepted(appointment, before - 1);
        await until('dropped', async () => (await user.get(appointment.locator))[0] === 404);
        assert.deepEqual(await user.get(appointment.locator), gone(appointment.locator));
        assert.ok(!JSON.stringify(await user.info()).includes(appointment.locator));
        assert.equal(await slots(), before - 1, 'the slot is not given back');
        // Differs for rust, whose own tower charges each time.
        await accepted(appointment, before - 1);
        await until('dropped again', async () => (await user.get(appointment.locator))[0] === 404);
        assert.equal(await slots(), before - 1);
      });

    await t.test(
      `${dialect}: a blob that could not be decrypted may be sent again in order, for nothing more`,
      async () => {
        const before = await slots();
        // The locator is that of the first of the two above: it is charged already.
        const appointment = user.appointment(other.disputeTxid, other.penaltyTx);
        await accepted(appointment, before);
        await until(
          'answered',
          async () => fieldsOf(await user.get(appointment.locator)).status === 'dispute_responded',
        );
      },
    );

    await t.test(`${dialect}: a dispute in the seventh block from the tip is too old: watched`, async () => {
      const appointment = user.appointment(old.disputeTxid, old.penaltyTx);
      await accepted(appointment, (await slots()) - 1);
      assert.equal(fieldsOf(await user.get(appointment.locator)).status, 'being_watched');
    });
  }
});
