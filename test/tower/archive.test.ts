import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ArchiveSource } from '../../actors/auditor/archive/archive-source.js';
import { joinSources } from '../../actors/auditor/archive/joined-source.js';
import { openLiveSource } from '../../actors/auditor/live-source.js';
import { makeAppointment } from '../../actors/client/tower-client.js';
import type { Shard } from '../../events/ids.js';
import { HeadStore } from '../../events/log/heads.js';
import { EventLog } from '../../events/log/log.js';
import { txid } from '../fixtures/ids.js';
import { argus, MAIN } from '../support/argus.js';
import { auditorsWay } from '../support/auditor-command.js';
import { never, readAll } from '../support/made-up-log.js';
import { startNatsProxy } from '../support/nats-proxy.js';
import { tempDir } from '../support/temp-dir.js';
import { startTestTower, type TestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

const SHARDS = 2;
const STREAMS = ['CHAIN', 'CHECKPOINTS', 'TOWER_0', 'TOWER_1'];

test("a tower's log is archived by its auditor, through a kill -9, and read on from there with the log or alone", async (t) => {
  const tower = await startTestTower(t, { settings: { 'log.shards': String(SHARDS) } });
  const clients = await Promise.all([tower.newClient(), tower.newClient(), tower.newClient()]);
  for (const client of clients) await client.register();
  for (let block = 0; block < 3; block++) {
    for (const [i, client] of clients.entries())
      await client.addAppointment(makeAppointment('rust', txid(`${block} ${i}`), new Uint8Array(100), 144));
    await tower.chain.mine(1);
    await untilSigned(tower);
  }

  const folder = join(tempDir(t), 'archive');
  const way = auditorsWay(t, tower.nats);
  const run = async (...args: string[]) => argus(['archive', folder, '--older-than', '0m', ...args, ...way]);
  const proxy = await startNatsProxy(t, tower.nats.port);
  proxy.slow(60);
  const killed = spawn(process.execPath, [MAIN, 'archive', folder, '--older-than', '0m', ...way, '--nats', proxy.url]);
  await once(killed.stdout, 'data');
  killed.kill('SIGKILL');
  await once(killed, 'close');
  const begun = files(folder);
  assert.ok(begun.length > 0 && !begun.some((name) => name.startsWith('CHECKPOINTS')), `${begun}`);
  assert.equal((await argus(['archive', 'verify', folder])).status, 0, 'what is there is whole');

  const resumed = await run('--json');
  assert.equal(resumed.status, 0, resumed.stderr);
  const rows = resumed.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual([...begun, ...rows.map(({ file }) => file)].toSorted(), files(folder));
  await sameAs(tower, folder);
  await clients[0].addAppointment(makeAppointment('rust', txid('later'), new Uint8Array(100), 144));
  await tower.chain.mine(1);
  await untilSigned(tower);
  await sameAs(tower, folder);
  const early = (await run('--older-than', '1h')).stdout;
  assert.match(
    early,
    /^nothing new: no tree head older than 1h is not archived yet\nregtest log of 0[23][0-9a-f]{64}: 4 files, \d+ messages/,
  );
  assert.equal((await run()).stdout.trim().split('\n').length, STREAMS.length + 1);
  await sameAs(tower, folder);

  const [listed, verified] = await Promise.all([
    argus(['archive', 'list', folder]),
    argus(['archive', 'verify', folder, '--json', '--tower', tower.key.towerId]),
  ]);
  assert.match(listed.stdout.split('\n')[0] ?? '', /^STREAM +FIRST +LAST +FROM +THROUGH +BYTES +SHA256$/);
  const sizes = await Promise.all([0, 1].map((shard) => newest(tower, shard)));
  assert.deepEqual(JSON.parse(verified.stdout).shards, [
    { shard: 0, signed_to: sizes[0] },
    { shard: 1, signed_to: sizes[1] },
  ]);
  assert.equal(verified.status, 0);
  rmSync(join(folder, files(folder).findLast((name) => name.startsWith('TOWER_1')) ?? ''));
  const wrong = await argus(['archive', 'verify', folder]);
  assert.equal(wrong.status, 1);
  assert.match(
    wrong.stdout,
    /^WRONG CHECKPOINTS \d+: the tower signed this head over \d+ messages of TOWER_1, and only/,
  );
});

test('what is asked of an archive and makes no sense is said', async (t) => {
  const folder = tempDir(t);
  const refused = [
    [['archive', folder, '--older-than', '5w'], 2, /--older-than takes days, hours or minutes: 90d, 12h, 30m/],
    [['archive'], 2, /missing required argument 'folder'/],
    [['archive', 'verify', folder, '--tower', '02'], 2, /a tower id is 66/],
    [['archive', 'list', join(folder, 'none')], 1, /no such file or directory/],
  ] as const;
  const answers = await Promise.all(refused.map(([args]) => argus(args)));
  for (const [i, [, status, said]] of refused.entries()) {
    assert.match(answers[i]?.stderr ?? '', said);
    assert.equal(answers[i]?.status, status);
  }
  const none = await argus(['archive', 'verify', folder]);
  assert.deepEqual([none.status, none.stdout], [1, `WRONG ${folder}: there is no archive in it\n`]);
});

const files = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.argus'))
    .toSorted();

/** That an archive with the live log, and alone as far as it goes, is what the live log is. */
async function sameAs(tower: TestTower, folder: string): Promise<void> {
  const live = await openLiveSource(await tower.nats.connect('auditor'), tower.nats.auditorSeed);
  const archive = await ArchiveSource.open(folder);
  const joined = await joinSources(archive, live, never);
  for (const stream of STREAMS) {
    const all = await readAll(live, stream);
    assert.ok(all.length > 0);
    assert.deepEqual(await readAll(joined, stream), all);
    assert.deepEqual(await readAll(archive, stream), all.slice(0, await archive.tail(stream)));
  }
  await joined.close();
}

async function newest(tower: TestTower, shard: number): Promise<number> {
  const log = await EventLog.open(await tower.nats.connect('node'));
  return (await new HeadStore(log).last(shard as Shard))?.head.treeSize ?? 0;
}

/** Resolves when every shard has a head over its last scan. */
async function untilSigned(tower: TestTower): Promise<void> {
  await untilLevel(() => tower.node, tower.chain);
  for (const [shard, state] of tower.node.shards.entries())
    await until(`shard ${shard} is signed`, async () => (await newest(tower, shard)) === state.scanVersion);
}
