import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import type { Shard } from '../../events/ids.js';
import { HeadStore } from '../../events/log/heads.js';
import { EventLog } from '../../events/log/log.js';
import { txid } from '../fixtures/ids.js';
import { argus } from '../support/argus.js';
import { auditorsWay } from '../support/auditor-command.js';
import { tempDir } from '../support/temp-dir.js';
import { historyTypes, isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

test('the commands of an auditor tell the same of an archive, without any server, as of the log that it was made of', async (t) => {
  const tower = await startTestTower(t);
  const client = await tower.newClient();
  await client.register();
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  const breach = buildBreach(channel);
  const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  await client.addAppointment(makeAppointment('rust', txid('lives on'), new Uint8Array(100), 144));
  await tower.chain.mineOnly([breach.disputeTx]);
  await until('punished', () => isInMempool(tower, breach.penaltyTxid));
  for (let block = 0; block < 2; block++) {
    await tower.chain.mine(1);
    await untilLevel(() => tower.node, tower.chain);
    await until(
      'confirmed',
      async () => (await historyTypes(tower, client.userId, locator)).at(-1) === 'PenaltyConfirmed',
    );
  }
  const log = await EventLog.open(await tower.nats.connect('node'));
  const [shard] = tower.node.shards;
  const heads = new HeadStore(log);
  await until('signed', async () => (await heads.last(0 as Shard))?.head.treeSize === shard?.scanVersion);
  await tower.stopNode();

  const way = auditorsWay(t, tower.nats);
  const folder = join(tempDir(t), 'archive');
  const archived = await argus(['archive', folder, '--older-than', '0m', ...way]);
  assert.equal(archived.status, 0, archived.stderr);
  const end = `0:${shard?.scanVersion}`;
  const commands = [
    ['replay', '--json', '--until', end],
    ['timeline', breach.penaltyTxid, '--json', '--until', end],
    ['export', '--until', end],
    ['stats', '--json', '--until', end],
  ];
  const tell = async (args: readonly string[], source: readonly string[]) => {
    const { status, stdout, stderr } = await argus(['audit', ...args, ...source]);
    assert.equal(status, 0, `${args}: ${stdout}${stderr}`);
    assert.ok(stdout.length > 0);
    return stdout;
  };
  const all = (source: readonly string[], some = commands) => Promise.all(some.map((args) => tell(args, source)));
  const live = await all(way);
  assert.deepEqual(await all([...way, '--archive', folder], commands.slice(0, 2)), live.slice(0, 2));
  const whole = ['verify', '--json', '--tower', tower.key.towerId];
  const joined = JSON.parse(await tell(whole, [...way, '--archive', folder]));
  await tower.nats.stop();

  const offline = ['--archive', folder, '--offline', '--network', 'regtest', '--data', tempDir(t)];
  assert.deepEqual(await all(offline), live);

  const alone = JSON.parse(await tell(whole, offline));
  assert.deepEqual([alone.heads, alone.shards[0].signed_to], [joined.heads, joined.shards[0].signed_to]);
  const noBlobs = 'blobs, and what is signed over them: an archive has none';
  assert.deepEqual(
    [joined, alone].map((verdict) => verdict.not_checked.includes(noBlobs)),
    [false, true],
  );

  const refused = await Promise.all([
    argus(['audit', 'stats', '--offline']),
    argus(['audit', 'follow', ...offline]),
    argus(['audit', 'stats', '--offline', '--archive', `${folder} none`]),
  ]);
  assert.deepEqual(
    refused.map(({ status, stderr }) => [status, stderr.trim()]),
    [
      [2, 'argus: --offline reads an archive: say which (--archive)'],
      [2, 'argus: nothing happens in an archive: to follow takes the log'],
      [1, `argus: ENOENT: no such file or directory, scandir '${folder} none'`],
    ],
  );

  rmSync(join(folder, readdirSync(folder).find((name) => name.startsWith('TOWER_0')) ?? ''));
  const wrong = await argus(['audit', ...whole, ...offline]);
  assert.equal(wrong.status, 1);
  assert.deepEqual(
    JSON.parse(wrong.stdout).findings.map(({ stream, position, what }: Record<string, unknown>) => [
      stream,
      position,
      what,
    ]),
    [['TOWER_0', 1, 'rolled-back']],
  );
});
