import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bitcoindWitness } from '../../actors/auditor/bitcoind-witness.js';
import { newTowerSecret, towerKeyOf } from '../../actors/secrets.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex, toHex } from '../../events/bytes.js';
import { appointmentReceipt, type Dialect } from '../../events/signing/receipts.js';
import { txid } from '../fixtures/ids.js';
import { startHttpTower } from '../support/http-tower.js';
import { fieldsOf, HttpUser } from '../support/http-user.js';
import { importCommand, linesOf } from '../support/import-command.js';
import { type OldContent, writeLevel, writeSqlite } from '../support/old-towers.js';
import { type Cleanup, tempDir } from '../support/temp-dir.js';
import { historyTypes, isInMempool, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';
import { verified } from '../support/verified.js';

/** A tower of either generation is brought over, and its users notice nothing. */

/** The old tower's store, as it is after it was killed. */
const STORES: Readonly<Record<Dialect, (t: Cleanup, content: OldContent) => Promise<[kind: string, path: string]>>> = {
  rust: async (t, content) => ['teos-sqlite', writeSqlite(tempDir(t), content, { killed: true })],
  python: async (t, content) => ['teos-leveldb', await writeLevel(join(tempDir(t), '.teos'), content)],
};

const NEVER = 4_000;

for (const dialect of ['rust', 'python'] as const)
  test(`a ${dialect} tower's users, appointments and breaches go on in the new one`, async (t) => {
    const secret = newTowerSecret();
    const key = towerKeyOf(Uint8Array.from(secret));
    // The python tower needs bitcoind's index of transactions, so it is there.
    const bitcoindArgs = dialect === 'python' ? ['-txindex=1'] : [];
    const tower = await startHttpTower(t, { begin: false, key, bitcoindArgs });
    const { chain } = tower;
    const [watched, answered, unsent, meanwhile] = (await openChannels(chain, 4)).map((channel) =>
      buildBreach(channel),
    );
    assert(watched && answered && unsent && meanwhile);
    const url = () => tower.node.httpUrls[0];
    const [user, other, late] = [new HttpUser(url, dialect), new HttpUser(url, dialect), new HttpUser(url, dialect)];
    // Two breaches that the old tower knows of: of one the penalty was mined. Then it ran on for longer than a penalty is carried.
    await chain.mineOnly([answered.disputeTx, unsent.disputeTx]);
    await chain.mineOnly([answered.penaltyTx]);
    await chain.mine(dialect === 'rust' ? 105 : 2);
    const lastBlock = await chain.tip();
    const height = await chain.height();
    const make = (breach: typeof watched) => user.appointment(breach.disputeTxid, breach.penaltyTx);
    const large = user.appointment(txid('large'), new Uint8Array(3000));
    const content: OldContent = {
      secrets: [newTowerSecret(), secret],
      users: [
        {
          user,
          slots: 90,
          start: 60,
          expiry: NEVER,
          held: [
            { appointment: make(watched), startBlock: 70 },
            { appointment: make(answered), startBlock: 71, breach: answered },
            { appointment: make(unsent), startBlock: 72, breach: unsent },
            { appointment: make(meanwhile), startBlock: 73 },
            { appointment: large, startBlock: 74 },
          ],
        },
        { user: other, slots: 7, start: height, expiry: height + 50, held: [] },
        // Its time was over long ago, and the old tower has forgotten to forget it.
        {
          user: late,
          slots: 1,
          start: 10,
          expiry: 80,
          held: [{ appointment: late.appointment(txid('late'), fromHex('5a')), startBlock: 20 }],
        },
      ],
      lastBlock,
    };
    const [kind, path] = await STORES[dialect](t, content);
    // While the operator moves, there is one more.
    await chain.mineOnly([meanwhile.disputeTx]);

    const command = importCommand(t, tower);
    const dry = await command.run(kind, path, '--dry-run', '--json');
    assert.equal(dry.status, 0, dry.stderr);
    const [planned, ...none] = linesOf(dry);
    const sums = {
      tower_id: key.towerId,
      users: 3,
      appointments: 6,
      trackers: 2,
      left: 0,
      dialect,
      last_block: height,
    };
    assert.deepEqual({ ...planned, ...sums, outcome: 'planned' }, planned);
    assert.deepEqual(none, []);
    assert.ok(!existsSync(join(command.data, 'tower.key')) && !existsSync(join(command.data, 'import')));

    const done = await command.run(kind, path, '--yes', '--json');
    assert.equal(done.status, 0, done.stderr);
    const [imported] = linesOf(done);
    assert.deepEqual(imported, { ...planned, outcome: 'imported' });
    assert.equal(linesOf(done)[0]?.begins_at, Math.max(0, dialect === 'rust' ? height - 106 : height - 99));
    const file = join(command.data, 'tower.key');
    assert.equal(readFileSync(file, 'utf8').trim(), toHex(secret));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.ok(!existsSync(join(command.data, 'import')));

    await tower.restartNode();
    await untilLevel(() => tower.node, chain);
    assert.equal(tower.node.publicInfo().tower_id, key.towerId);

    await t.test('what the old tower was answering is seen through', async () => {
      const history = (appointment: ReturnType<typeof make>) => historyTypes(tower, user.userId, appointment.locator);
      for (const breach of [unsent, meanwhile]) {
        await until('the penalty is sent', async () => (await history(make(breach))).at(-1) === 'PenaltyBroadcast');
        assert.ok(await isInMempool(tower, breach.penaltyTxid));
        const { appointment } = fieldsOf(await user.get(make(breach).locator)) as Record<string, object>;
        assert.equal(Object(appointment).penalty_txid, breach.penaltyTxid);
      }
      const end = dialect === 'rust' ? 'PenaltyIrrevocable' : 'PenaltyConfirmed';
      await until(end, async () => (await history(make(answered))).at(-1) === end);
      await chain.mine(1);
      await untilLevel(() => tower.node, chain);
      for (const breach of [unsent, meanwhile])
        await until('it is mined', async () => (await history(make(breach))).at(-1) === 'PenaltyConfirmed');
    });

    await t.test('what its users ask is answered as before', async () => {
      const left = dialect === 'rust' ? 91 : 90; // that of the penalty which is irrevocable is given back
      const info = fieldsOf(await user.info());
      assert.deepEqual([info.available_slots, info.subscription_expiry], [left, NEVER]);
      const locators = info[dialect === 'rust' ? 'locators' : 'appointments'] as string[];
      assert.equal(locators.length, dialect === 'rust' ? 4 : 5);
      assert.ok(locators.includes(large.locator));
      const { appointment, status } = fieldsOf(await user.get(large.locator));
      assert.deepEqual([status, Object(appointment).encrypted_blob], ['being_watched', toHex(large.encryptedBlob)]);
      const first = fieldsOf(await other.info());
      assert.deepEqual([first.available_slots, first.subscription_expiry], [7, height + 50]);
      assert.match(String(fieldsOf(await late.info()).error), /User not found/);
    });

    await t.test('a receipt of the old tower is given again, to the byte', async () => {
      const receipt = appointmentReceipt(dialect, { userSignature: user.sign(large), startBlock: 74 });
      const again = fieldsOf(await user.add(large));
      assert.deepEqual([again.start_block, again.signature], [74, key.sign(receipt)]);
    });

    await t.test('an appointment is updated, a subscription renewed, a breach answered', async () => {
      const { available_slots: before } = fieldsOf(await user.info());
      const smaller = { ...large, encryptedBlob: large.encryptedBlob.subarray(0, 100) };
      const updated = fieldsOf(await user.add(smaller));
      assert.deepEqual([updated.available_slots, updated.start_block], [Number(before) + 1, height + 2]);
      const renewed = fieldsOf(await user.register());
      assert.equal(renewed.subscription_expiry, NEVER + tower.config.subscription.duration);
      assert.equal(renewed.available_slots, Number(before) + 1 + tower.config.subscription.slots);
      if (dialect === 'rust') assert.equal(renewed.subscription_start, 60);
      await chain.mineOnly([watched.disputeTx]);
      await until('the penalty is sent', () => isInMempool(tower, watched.penaltyTxid));
    });

    await t.test('an auditor finds nothing wrong with the log, also by a bitcoind', async () => {
      await chain.mine(1);
      await untilLevel(() => tower.node, chain);
      await until('it is mined', async () => {
        const events = await historyTypes(tower, user.userId, make(watched).locator);
        return events.at(-1) === 'PenaltyConfirmed';
      });
      const witness = () => bitcoindWitness(tower.bitcoind.rpc);
      await until('the users that were brought are under a signed head', async () => {
        const { findings, counts, chain: asked } = await verified(tower.nats, key.towerId, { witness });
        assert.deepEqual(findings, []);
        assert.equal(asked?.transactions_unread, 0);
        const [shard] = counts.shards as Record<string, number>[];
        assert.equal(shard?.trackers, 4);
        return (shard?.signed_to ?? 0) >= 9;
      });
    });

    await t.test('to import it again changes nothing', async () => {
      const again = await command.run(kind, path, '--yes', '--json');
      assert.equal(again.status, 0, again.stderr);
      assert.equal(linesOf(again)[0]?.outcome, 'was-imported');
    });
    assert.deepEqual(tower.gaveUp, []);
  });
