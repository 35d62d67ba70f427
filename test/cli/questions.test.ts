import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { nkeys } from 'nats';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { txid } from '../fixtures/ids.js';
import { argus } from '../support/argus.js';
import { cells, whereabouts } from '../support/operator-command.js';
import { tempDir } from '../support/temp-dir.js';
import { startTestTower } from '../support/tower.js';
import { until } from '../support/until.js';

test("the operator's questions are answered for people, and with --json for programs", async (t) => {
  const tower = await startTestTower(t);
  const client = await tower.newClient();
  await client.register();
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  const breach = buildBreach(channel, { penaltyFeeRate: 5 });
  const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  const waiting = makeAppointment('rust', txid('waiting'), new Uint8Array(3000), 20);
  await client.addAppointment(waiting);
  const breachBlock = await tower.chain.mineOnly([breach.disputeTx]);
  await until('answered', async () => (await client.getAppointment(locator)).status === 'dispute_responded');
  const where = whereabouts(t, tower);
  const asked = async (...args: string[]) => {
    const { status, stdout, stderr } = await argus([...args, ...where]);
    assert.deepEqual([status, stderr], [0, '']);
    return stdout.trimEnd().split('\n');
  };
  const json = async (...args: string[]) => (await asked(...args, '--json')).map((line) => JSON.parse(line));

  await t.test('info', async () => {
    const [info] = await json('info');
    assert.deepEqual([info.node, info.users, info.watched_appointments, info.trackers], ['one', 1, 1, 1]);
    const lines = await asked('info');
    assert.ok(
      lines.some((line) => cells(line).join(' ') === `tip ${breachBlock}`),
      lines.join('\n'),
    );
    assert.deepEqual(cells(lines.at(-2)), ['SHARD', 'LOG POSITION', 'SCANNED TO', 'SIGNED TO']);
    assert.deepEqual(cells(lines.at(-1))[0], '0');
  });

  await t.test('users, and one of them', async () => {
    assert.deepEqual(await asked('users'), [client.userId]);
    assert.deepEqual(await json('users'), [client.userId]);
    const [user] = await json('user', client.userId);
    assert.deepEqual([user.user_id, user.dialect, user.available_slots], [client.userId, 'rust', 9997]);
    assert.deepEqual(
      user.appointments.map(({ locator, status }: Record<string, unknown>) => [locator, status]),
      [
        [locator, 'dispute_responded'],
        [waiting.locator, 'being_watched'],
      ],
    );
    const lines = await asked('user', client.userId);
    assert.deepEqual(cells(lines[0]), ['user id', client.userId]);
    assert.ok(lines.some((line) => /^appointments +2$/.test(line)));
    assert.equal(cells(lines.at(-1))[1], waiting.locator);
  });

  await t.test('appointments, all or those of a locator', async () => {
    assert.equal((await json('appointments')).length, 2);
    const [only, ...others] = await json('appointments', waiting.locator);
    assert.deepEqual([only.slots, only.to_self_delay, others.length], [2, 20, 0]);
    const [headings, ...rows] = await asked('appointments');
    const expected = ['APPOINTMENT', 'LOCATOR', 'USER', 'STATUS', 'SLOTS', 'START BLOCK', 'BYTES'];
    assert.deepEqual(cells(headings), expected);
    assert.deepEqual(
      rows.map((row) => cells(row)[3]),
      ['dispute_responded', 'being_watched'],
    );
  });

  await t.test('trackers', async () => {
    const [tracker] = await json('trackers');
    assert.deepEqual(
      [tracker.stage, tracker.dispute_txid, tracker.penalty_txid, tracker.penalty_height, tracker.refusal],
      ['broadcast', breach.disputeTxid, breach.penaltyTxid, null, null],
    );
    const [, row] = await asked('trackers');
    assert.deepEqual(cells(row).slice(1, 3), ['broadcast', breach.disputeTxid]);
  });
});

describe('what the operator cannot have is told in one line', () => {
  test('with a key that the server does not know, and of a tower that is not there', async (t) => {
    const tower = await startTestTower(t, { begin: false });
    const stranger = new TextDecoder().decode(nkeys.createUser().getSeed());
    const denied = await argus(['info', ...whereabouts(t, tower, stranger)]);
    assert.equal(denied.status, 1);
    assert.match(denied.stderr, /^argus: nats:\/\/127\.0\.0\.1:\d+ does not know the key in .*operator\.nkey\n$/);
    const nobody = await argus(['info', ...whereabouts(t, tower)]);
    assert.equal(nobody.status, 1);
    assert.match(nobody.stderr, /^argus: no tower answers at nats:.*\n$/);
    await tower.nats.stop();
    const nothing = await argus(['info', ...whereabouts(t, tower)]);
    assert.equal(nothing.status, 1);
    assert.match(nothing.stderr, /^argus: nats:.* does not answer\. Is the tower up\?\n$/);
  });

  test('with a mistyped command, flag or argument', async () => {
    for (const [args, said] of [
      [['tracker'], /unknown command 'tracker'\n\(Did you mean trackers\?\)/],
      [['info', '--jsn'], /unknown option '--jsn'\n\(Did you mean --json\?\)/],
      [['appointments', 'a', 'b'], /too many arguments/],
      [['user'], /missing required argument 'id'/],
      [['appointments', 'xyz'], /^argus: a locator is 32 lower-case hex digits\n$/],
      [['info', '--nats', 'http://x'], /^argus: flag: nats\.url: must be like nats:\/\/127\.0\.0\.1:4222\n$/],
      [['info', '--nats-port', '99999'], /^argus: flag: nats\.port: /],
    ] as const) {
      const { status, stdout, stderr } = await argus([...args]);
      assert.deepEqual([status, stdout], [2, ''], args.join(' '));
      assert.match(stderr, said);
    }
  });
});

test('nkeys are made once, kept secret, and printed as nats.conf wants them', async (t) => {
  const data = join(tempDir(t), 'data');
  const [first, second] = [await argus(['nkeys', '--data', data]), await argus(['nkeys', '--data', data])];
  assert.match(
    first.stdout,
    /^ARGUS_NODE_NKEY=U[A-Z2-7]{55}\nARGUS_OPERATOR_NKEY=U[A-Z2-7]{55}\nARGUS_AUDITOR_NKEY=U[A-Z2-7]{55}\nARGUS_ISSUER_NKEY=A[A-Z2-7]{55}\n$/,
  );
  assert.deepEqual(second, first);
  for (const name of ['node', 'operator', 'auditor']) {
    const file = join(data, 'nats', `${name}.nkey`);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.ok(!first.stdout.includes(readFileSync(file, 'utf8').trim()));
  }
});
