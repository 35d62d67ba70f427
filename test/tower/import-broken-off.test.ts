import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { NatsConnection } from 'nats';
import { newTowerSecret, towerKeyOf } from '../../actors/secrets.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { userAggregate } from '../../events/aggregate.js';
import { fromHex } from '../../events/bytes.js';
import type { Shard } from '../../events/ids.js';
import { ImportUnfinishedError } from '../../events/log/ensure-streams.js';
import { EventLog } from '../../events/log/log.js';
import { CHAIN, IMPORTING } from '../../events/log/streams.js';
import { txid } from '../fixtures/ids.js';
import { MAIN } from '../support/argus.js';
import { HttpUser } from '../support/http-user.js';
import { importCommand, linesOf } from '../support/import-command.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { type OldContent, writeLevel, writeSqlite } from '../support/old-towers.js';
import { tempDir } from '../support/temp-dir.js';
import { startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';
import { verified } from '../support/verified.js';

const SHARDS = 2;

test('an import that is killed goes on, and comes to the same; what it cannot bring it lists', async (t) => {
  const secret = newTowerSecret();
  const tower = await startTestTower(t, { begin: false, key: towerKeyOf(Uint8Array.from(secret)) });
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  const breach = buildBreach(channel);
  const users = Array.from({ length: 6 }, () => new HttpUser(() => undefined, 'rust'));
  const [first, second] = users;
  assert(first && second);
  const make = (user: HttpUser, n: number) => user.appointment(txid(`dispute ${n}`), new Uint8Array(100 + n));
  const held = (user: HttpUser, count: number) =>
    Array.from({ length: count }, (_, n) => ({ appointment: make(user, n), startBlock: 20 + (n % 50) }));
  const gone = { appointment: first.appointment(breach.disputeTxid, breach.penaltyTx), startBlock: 30, breach };
  const content: OldContent = {
    secrets: [secret],
    users: users.map((user, n) => ({
      user,
      slots: 50 + n,
      start: 10 + n,
      expiry: 5_000,
      held: [...held(user, 160), ...(user === first ? [gone] : [])],
    })),
    lastBlock: await tower.chain.tip(),
  };
  // Rows that no tower has written, but a damaged disk or a hand.
  const nobody = new HttpUser(() => undefined, 'rust');
  const path = writeSqlite(tempDir(t), content, {
    spoil: (db) => {
      db.exec('PRAGMA foreign_keys=0');
      const of = (user: HttpUser) => [fromHex(user.userId)];
      db.run('INSERT INTO users VALUES (?, 1, 1, 5000)', [fromHex(`02${'ff'.repeat(32)}`)]);
      db.run('INSERT INTO users VALUES (?, 1, 9, 9)', [fromHex(nobody.userId)]);
      const change = (what: string, n: number) =>
        db.run(
          `UPDATE appointments SET ${what} WHERE rowid = (SELECT rowid FROM appointments WHERE user_id = ? LIMIT 1 OFFSET ${n})`,
          of(second),
        );
      change("encrypted_blob = x'5a'", 0);
      change("encrypted_blob = x''", 1);
      change('start_block = 4000', 2);
      change("user_signature = 'yy'", 3);
      change('to_self_delay = -1', 4);
      change(`user_id = x'${nobody.userId}'`, 5);
      change(`user_id = x'02${'ee'.repeat(32)}'`, 6);
    },
  });
  const command = importCommand(t, tower);
  const passphrase = join(tempDir(t), 'passphrase');
  writeFileSync(passphrase, 'correct horse\n', { mode: 0o600 });
  const args = ['teos-sqlite', path, '--yes', '--json', `--shards=${SHARDS}`, '--encrypt'];
  args.push(`--key-passphrase-file=${passphrase}`);

  const REASONS = [
    /^user_id: no point of the curve/,
    /^it expires at 9, before it begins/,
    /^user_signature: it is not by its user/,
    /^blob: empty/,
    /^it begins at 4000, and the chain ends at/,
    /^user_signature: /,
    /^to_self_delay: /,
    /^its user cannot be carried over/,
    /^there is no such user/,
    /^its dispute is in no block/,
  ];

  await t.test('what cannot be carried over is listed, one by one, and nothing is done', async () => {
    const refused = await command.run(...args);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /nothing was done: --leave-behind goes on/);
    const lines = linesOf(refused);
    const left = lines.slice(0, -1);
    assert.equal(left.length, REASONS.length, JSON.stringify(left));
    for (const [n, why] of REASONS.entries()) assert.match(String(left[n]?.why), why);
    assert.deepEqual(
      left.map(({ kind }) => kind),
      ['user', 'user', ...Array.from({ length: 7 }, () => 'appointment'), 'tracker'],
    );
    assert.equal(left.at(-1)?.penalty_tx, breach.penaltyTx);
    const sums = { outcome: 'refused', users: 6, appointments: 954, trackers: 0, left: 10 };
    assert.deepEqual({ ...lines.at(-1), ...sums }, lines.at(-1));
    const dry = await command.run('teos-sqlite', path, '--dry-run');
    assert.equal(dry.status, 1);
    for (const text of ['10 cannot be carried over', 'appointments  954', 'to_self_delay'])
      assert.match(dry.stdout.replaceAll(/ +/g, ' '), new RegExp(text.replaceAll(/ +/g, ' ')));
  });

  const nc = await tower.nats.connect('node');
  const jsm = await nc.jetstreamManager({ checkAPI: false });
  const written = async () => {
    let count = 0;
    for (const name of ['TOWER_0', 'TOWER_1'])
      count += (await jsm.streams.info(name).catch(() => undefined))?.state.messages ?? 0;
    return count;
  };

  await t.test('while it is broken off no node starts, and nothing else is imported', async () => {
    for (const enough of [1, 200]) {
      const child = spawn(process.execPath, [MAIN, 'import', ...args, '--leave-behind', ...command.args]);
      child.stdout.resume();
      await until('something is written', async () => (await written()) >= enough);
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await assert.rejects(tower.restartNode(), ImportUnfinishedError);
    // What was on its way when it was killed has come to rest by now.
    const count = await written();
    assert.ok(count >= 200 && count < 960, `${count}`);
    const other = writeSqlite(tempDir(t), { ...content, users: content.users.slice(1) });
    const refused = await command.run('teos-sqlite', other, '--yes', '--leave-behind');
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /an import was begun here of something else, or the old tower has run since/);
    assert.equal(await written(), count);
  });

  await t.test('given again it goes on, and comes to what it comes to at once', async () => {
    const done = await command.run(...args, '--leave-behind');
    assert.equal(done.status, 0, done.stderr);
    assert.equal(linesOf(done).at(-1)?.outcome, 'imported');
    const calm = await startTestNats(t);
    const atOnce = importCommand(t, { nats: calm, bitcoind: tower.bitcoind });
    const whole = await atOnce.run(...args, '--leave-behind');
    assert.equal(whole.status, 0, whole.stderr);
    const [one, two] = [await eventsOf(tower.nats, users), await eventsOf(calm, users)];
    assert.equal(one.flat().length, 960);
    assert.deepEqual(one, two);
  });

  await t.test('killed after its last word it is done all the same', async () => {
    const { config } = await jsm.streams.info(CHAIN);
    assert.equal(config.metadata?.[IMPORTING], undefined);
    const chain = await readChain(nc);
    const { digest } = Object(chain[0]);
    assert.deepEqual(
      chain.map(({ type }) => type),
      ['TowerImported', 'BlockConnected'],
    );
    await jsm.streams.update(CHAIN, { metadata: { ...config.metadata, [IMPORTING]: digest } });
    const again = await command.run(...args, '--leave-behind');
    assert.equal(linesOf(again).at(-1)?.outcome, 'was-imported', again.stderr);
    assert.equal((await jsm.streams.info(CHAIN)).config.metadata?.[IMPORTING], undefined);
    assert.equal((await readChain(nc)).length, 2);
  });

  await t.test('the key is encrypted, as was asked', async () => {
    const file = join(command.data, 'tower.key');
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).tower_id, tower.key.towerId);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  await t.test('the log is one that an auditor finds nothing wrong with, and that takes no second import', async () => {
    await tower.restartNode();
    await untilLevel(() => tower.node, tower.chain);
    const { findings } = await verified(tower.nats, tower.key.towerId);
    assert.deepEqual(findings, []);
    const other = writeSqlite(tempDir(t), { ...content, users: content.users.slice(1) });
    const refused = await command.run('teos-sqlite', other, '--yes', '--leave-behind');
    assert.match(refused.stderr, /the tower here has begun its own log: a tower is imported into a new one/);
  });

  await t.test(
    'of a python tower the same is listed, and what its users are booked for without having it',
    async () => {
      const folder = await writeLevel(join(tempDir(t), 'teos'), content, async (appointments, users) => {
        await appointments.put('wnonsense', 'no JSON');
        await appointments.del(`w${await anyKey(appointments, 'w')}`);
        await appointments.put(`r${'00'.repeat(20)}`, JSON.stringify({ penalty_rawtx: 'abcd' }));
        await users.put('0222', '{}');
      });
      const dry = await command.run('teos-leveldb', folder, '--dry-run', '--json');
      const lines = linesOf(dry);
      const of = (outcome: string, kind?: string) =>
        lines.filter((one) => one.outcome === outcome && one.kind === kind);
      assert.deepEqual([of('noted').length, of('left', 'user').length], [1, 1], dry.stdout);
      const nonsense = of('left', 'appointment').find(({ id }) => id === 'nonsense');
      assert.match(String(nonsense?.why), /^user_id: /);
      assert.ok(of('left', 'tracker').some(({ penalty_tx }) => penalty_tx === 'abcd'));
    },
  );
  assert.deepEqual(tower.gaveUp, []);
});

/** What is on a log of each user, but for where its blobs are. */
async function eventsOf(nats: TestNats, users: readonly HttpUser[]): Promise<unknown[][]> {
  const log = await EventLog.open(await nats.connect('node'));
  const found = await Promise.all(
    users.map(async ({ userId }) => {
      const shards = await Promise.all(
        Array.from({ length: SHARDS }, (_, shard) => log.load(userAggregate(userId), shard as Shard)),
      );
      return shards.flat().flatMap(({ events }) => events as readonly object[]);
    }),
  );
  return JSON.parse(JSON.stringify(found), (name, value) => (name === 'position' ? 0 : value));
}

async function readChain(nc: NatsConnection) {
  const log = await EventLog.open(nc);
  const commits = await log.load({ kind: 'chain' }, 0 as Shard);
  return commits.flatMap(({ events }) => events as readonly { readonly type: string }[]);
}

async function anyKey(db: { keys(range: object): { next(): Promise<string | undefined> } }, prefix: string) {
  const key = await db.keys({ gte: prefix, lt: `${prefix}~` }).next();
  return key?.slice(prefix.length);
}
