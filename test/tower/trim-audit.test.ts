import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ArchiveSource } from '../../actors/auditor/archive/archive-source.js';
import { joinSources } from '../../actors/auditor/archive/joined-source.js';
import { openLiveSource } from '../../actors/auditor/live-source.js';
import { makeAppointment } from '../../actors/client/tower-client.js';
import {
  decodePositions,
  decodeTrim,
  encodePositions,
  encodeTrim,
  positionsHash,
  trimMessage,
} from '../../events/trim-record.js';
import { txid } from '../fixtures/ids.js';
import { argus, MAIN } from '../support/argus.js';
import { archiveOf, MadeUpLog, never } from '../support/made-up-log.js';
import { type Kept, rewrite } from '../support/rewritten.js';
import { tempDir } from '../support/temp-dir.js';
import { startTestTower, untilLevel } from '../support/tower.js';
import { stopForGood, trimmingOf, untilSigned } from '../support/trim-command.js';
import { verified } from '../support/verified.js';

test('a trim refuses what it may not be done on, and an auditor with the archive finds a false one', async (t) => {
  const tower = await startTestTower(t);
  const client = await tower.newClient();
  await client.register();
  for (let version = 0; version < 6; version++)
    await client.addAppointment(makeAppointment('rust', txid('often'), new Uint8Array(100 + version), 144));
  for (let block = 0; block < 19; block++) {
    await tower.chain.mine(1);
    await untilLevel(() => tower.node, tower.chain);
  }
  await untilSigned(tower);
  const { folder, auditor, owner, archive, trim } = trimmingOf(t, tower);
  assert.equal((await archive()).status, 0);
  await stopForGood(tower, { network: 'regtest', towerId: tower.key.towerId, shards: 1, replicas: 1 });
  const nc = await tower.nats.connect('node');
  const jsm = await nc.jetstreamManager();
  const whole = await jsm.streams.info('TOWER_0');

  const refused = async (folder: string, why: RegExp) => {
    const said = await argus(['archive', folder, '--trim', '--yes', ...owner]);
    assert.deepEqual([said.status, said.stdout], [1, '']);
    assert.match(said.stderr, why);
    assert.deepEqual((await jsm.streams.info('TOWER_0')).config, whole.config);
    assert.equal(
      (await jsm.streams.list().next()).find(({ config }) => /^(TRIMS|COPY)/.test(config.name)),
      undefined,
    );
  };
  await refused(join(tempDir(t), 'none'), /no such file/);
  await refused(await archiveOf(t, new MadeUpLog().grow(3)), /it is of another tower: 02989c/);
  const damaged = join(tempDir(t), 'damaged');
  cpSync(folder, damaged, { recursive: true });
  const [name = ''] = readdirSync(damaged).filter((one) => one.startsWith('TOWER_0'));
  const bytes = readFileSync(join(damaged, name));
  bytes[1000] = (bytes[1000] ?? 0) ^ 1;
  writeFileSync(join(damaged, name), bytes);
  await refused(damaged, /TOWER_0.*its checksum is wrong: it is damaged/);
  rmSync(join(damaged, name));
  await refused(damaged, /files are missing/);
  const asked = await argus(['archive', folder, '--trim', ...owner]);
  assert.deepEqual([asked.status, asked.stderr], [2, 'argus: there is no terminal to ask at: --yes\n']);

  for (const step of ['freeze', 'copy', 'drop', 'replace', 'finish']) {
    const killed = spawn(process.execPath, [MAIN, 'archive', folder, '--trim', '--yes', ...owner]);
    let said = '';
    killed.stdout.on('data', (text) => {
      said += text;
      if (said.includes(`${step} TOWER_0`)) killed.kill('SIGKILL');
    });
    await once(killed, 'close');
    assert.match(said, new RegExp(`^${step} TOWER_0$`, 'm'));
  }
  const done = await trim();
  assert.equal(done.status, 0, done.stderr);
  const cut = whole.state.last_seq;
  const { last_seq, messages } = (await jsm.streams.info('TOWER_0')).state;
  assert.equal(last_seq, cut);

  assert.ok(messages < whole.state.messages);
  await assert.rejects(jsm.streams.info('COPY_0'), /stream not found/);

  const audit = (...more: string[]) => argus(['audit', 'verify', '--tower', tower.key.towerId, ...more, ...auditor]);
  const right = await audit('--archive', folder);
  assert.equal(right.status, 0, right.stdout + right.stderr);
  assert.match(right.stdout, /^ok +true$/m);
  assert.match(right.stdout, new RegExp(`^trimmed to +${cut}$`, 'm'));
  const alone = await audit();
  assert.deepEqual([alone.status, alone.stdout], [3, '']);
  assert.match(alone.stderr, new RegExp(`^argus: TOWER_0 was trimmed up to ${cut}: what was there is in the archive`));
  const replayed = await argus(['audit', 'replay', '--json', ...auditor]);
  assert.equal(replayed.status, 0, replayed.stderr);
  const both = await argus(['audit', 'replay', '--json', '--archive', folder, ...auditor]);
  assert.equal(replayed.stdout, both.stdout);
  assert.match((await argus(['audit', 'stats', ...auditor])).stderr, /was trimmed up to/);

  const all = async (stream: string): Promise<(Kept | undefined)[]> => {
    const { last_seq: last } = (await jsm.streams.info(stream)).state;
    const found = Array.from({ length: last }, async (_, i): Promise<Kept | undefined> => {
      const one = await jsm.streams.getMessage(stream, { seq: i + 1 }).catch(() => undefined);
      return one && { subject: one.subject, data: one.data };
    });
    return Promise.all(found);
  };
  const [log, trims] = [await all('TOWER_0'), await all('TRIMS_0')];
  const findings = async () => {
    const live = await openLiveSource(await tower.nats.connect('auditor'), tower.nats.auditorSeed);
    const source = await joinSources(await ArchiveSource.open(folder), live, never);
    const { findings } = await verified(tower.nats, tower.key.towerId, { source });
    await source.close();
    return findings.map(({ stream, what, position, why }) => `${stream} ${position} ${what}: ${why}`);
  };
  /** What is found where a stream holds these, and is called trimmed as before. */
  const whileIs = async (stream: string, messages: readonly (Kept | undefined)[]) => {
    await rewrite(nc, stream, messages);
    const found = await findings();
    await rewrite(nc, stream, stream === 'TOWER_0' ? log : trims);
    return found;
  };
  assert.deepEqual(await findings(), []);
  const last = trims.length - 1;
  const record = decodeTrim(trims[last]?.data ?? assert.fail());
  const positions = Array.from(decodePositions(trims[record.kept.first - 1]?.data ?? assert.fail()));
  const with_ = (i: number, data: Uint8Array) => trims.map((one, n) => (n === i && one ? { ...one, data } : one));
  // One who has the tower's key drops what matters, and signs that.
  const dropped = positions[2] ?? assert.fail();
  const less = encodePositions(positions.filter((position) => position !== dropped));
  const { signature: _, ...unsigned } = {
    ...record,
    kept: { ...record.kept, count: positions.length - 1, sha256: positionsHash(less) },
  };
  const signed = encodeTrim({ ...unsigned, signature: tower.key.sign(trimMessage(unsigned)) });
  const forged = with_(last, signed).map((one, n) =>
    n === record.kept.first - 1 && one ? { ...one, data: less } : one,
  );
  await rewrite(
    nc,
    'TOWER_0',
    log.map((one, i) => (i === dropped - 1 ? undefined : one)),
  );
  assert.deepEqual(await whileIs('TRIMS_0', forged), [
    `TOWER_0 ${dropped} trim: this message is gone, though it matters still`,
    `TRIMS_0 ${last + 1} trim: it does not keep message ${dropped}, which matters`,
  ]);
  await rewrite(nc, 'TOWER_0', log);
  const hashes = Uint8Array.from(trims[0]?.data ?? []);
  hashes[40] = (hashes[40] ?? 0) ^ 1;
  assert.deepEqual(await whileIs('TRIMS_0', with_(0, hashes)), [
    `TRIMS_0 ${last + 1} trim: the hashes of the ${cut} messages do not give its root`,
  ]);
  const unsignedText = Buffer.from(trims[last]?.data ?? [])
    .toString()
    .replace(/"position":\d+/, '"position":1');
  assert.deepEqual(await whileIs('TRIMS_0', with_(last, Buffer.from(unsignedText))), [
    `TRIMS_0 ${last + 1} trim: the tower has not signed this record of a trim`,
  ]);
  const changed = log.map((one, i) =>
    i === dropped - 1 && one ? { ...one, data: Buffer.from(`${Buffer.from(one.data)} `) } : one,
  );
  assert.deepEqual(await whileIs('TOWER_0', changed), [
    `TOWER_0 ${dropped} trim: this message is another one than in the archive`,
  ]);
  assert.deepEqual(await findings(), []);
});
