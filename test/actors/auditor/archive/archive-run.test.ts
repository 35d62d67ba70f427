import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { openArchive } from '../../../../actors/auditor/archive/archive-folder.js';
import { ArchiveSource } from '../../../../actors/auditor/archive/archive-source.js';
import { checkArchive } from '../../../../actors/auditor/archive/check-archive.js';
import { headTower } from '../../../fixtures/stored-heads.js';
import { archived, archiveOf, BEGAN, MadeUpLog, never, readAll } from '../../../support/made-up-log.js';
import { tempDir } from '../../../support/temp-dir.js';

const STREAMS = ['CHAIN', 'CHECKPOINTS', 'TOWER_0', 'TOWER_1'];

const check = async (folder: string) =>
  checkArchive(await openArchive(folder), { tower: headTower, onRead: () => {}, signal: never });

describe('an archive run', () => {
  test('writes all that heads of that age are over, each file ending with a head, and it reads as the log does', async (t) => {
    const log = new MadeUpLog(2).grow(6);
    const folder = await archiveOf(t, log, { fileMessages: 10 });
    const source = await ArchiveSource.open(folder);
    assert.deepEqual(source.identity, log.identity);
    for (const stream of STREAMS) {
      assert.equal(await source.tail(stream), log.of(stream).length);
      assert.deepEqual(await readAll(source, stream), plain(log.of(stream)));
      for (const { position } of log.of(stream))
        for await (const [one] of source.read(stream, position, position, never)) assert.equal(one?.position, position);
    }
    const part = [];
    for await (const batch of source.read('TOWER_1', 6, 19, never)) part.push(...batch);
    assert.deepEqual(plain(part), plain(log.of('TOWER_1').slice(5, 19)));
    await assert.rejects(readAll(source, 'TOWER_1', 30), {
      code: 'message-missing',
      message: 'TOWER_1 has no message 25',
    });
    const { streams } = await openArchive(folder);
    const ends = streams.get('TOWER_0')?.map(({ header }) => [header.first, header.last, header.head?.signed.height]);
    assert.deepEqual(ends, [
      [1, 8, 2],
      [9, 16, 4],
      [17, 24, 6],
    ]);
    assert.deepEqual(await check(folder), { files: 9, messages: 66, heads: 12, signedTo: [24, 24] });
  });

  test('leaves what is younger; the next goes on from there and changes nothing that is there', async (t) => {
    const log = new MadeUpLog(2).grow(5);
    const folder = await archiveOf(t, log, { until: BEGAN + 3 * 600_000 });
    assert.deepEqual(await check(folder), { files: 4, messages: 23, heads: 4, signedTo: [8, 8] });
    const before = contents(folder);
    assert.deepEqual(await archived(folder, log, { until: BEGAN + 3 * 600_000 }), [], 'nothing is new');
    log.grow(2);
    assert.deepEqual(await archived(folder, log), STREAMS_IN_ORDER);
    assert.deepEqual(contents(folder, Object.keys(before)), before);
    assert.deepEqual(await check(folder), { files: 8, messages: 77, heads: 14, signedTo: [28, 28] });
  });

  test('has the chain as far as the tower can have known it', async (t) => {
    const log = new MadeUpLog().grow(5);
    const folder = await archiveOf(t, log, { until: BEGAN + 2 * 600_000 + 5_000 });
    const source = await ArchiveSource.open(folder);
    // Blocks are ten minutes apart, and servers' clocks may be.
    assert.deepEqual([await source.tail('TOWER_0'), await source.tail('CHAIN')], [8, 3]);
  });

  test('packs what is much in parts, of which only what is wanted is unpacked', async (t) => {
    const log = new MadeUpLog().grow(1, 5000);
    const folder = await archiveOf(t, log);
    const [file] = (await openArchive(folder)).streams.get('TOWER_0') ?? assert.fail();
    const parts: number[] = [];
    for await (const { length } of file?.messages(1, 5001) ?? []) parts.push(length);
    assert.ok(parts.length >= 3, `${parts}`);
    const [first = 0, second = 0] = parts;
    const around: number[] = [];
    for await (const batch of file?.messages(first, first + second + 1) ?? []) around.push(batch.length);
    assert.deepEqual(around, [1, second, 1]);
    assert.deepEqual(await readAll(await ArchiveSource.open(folder), 'TOWER_0'), plain(log.of('TOWER_0')));
    assert.deepEqual((await check(folder)).signedTo, [5001]);
  });

  test('is of a log without a signed head nothing', async (t) => {
    const folder = await archiveOf(t, new MadeUpLog());
    assert.deepEqual(readdirSync(folder), []);
    await assert.rejects(ArchiveSource.open(folder), /there is no archive in it$/);
  });

  test('is read by gunzip', async (t) => {
    const log = new MadeUpLog().grow(2);
    const folder = await archiveOf(t, log);
    const bytes = readFileSync(join(folder, 'TOWER_0.000000000001-000000000008.argus'));
    const end = bytes.indexOf('\n');
    assert.equal(JSON.parse(bytes.subarray(0, end).toString()).stream, 'TOWER_0');
    const texts = log.of('TOWER_0').map(({ position, time, subject, data }) => {
      return `${position} ${time} ${subject} ${data.length}\n${Buffer.from(data)}\n`;
    });
    const [all, hash] = gunzipSync(bytes.subarray(end + 1))
      .toString()
      .split('sha256 ');
    assert.equal(all, texts.join(''));
    assert.match(hash ?? '', /^[0-9a-f]{64}\n$/);
  });

  test('that was broken off is gone on with behind its last whole file, whatever it left', async (t) => {
    const log = new MadeUpLog(2).grow(4);
    const folder = tempDir(t);
    const stop = new AbortController();
    log.onRead = ({ stream, position }) => {
      if (stream === 'TOWER_1' && position === 7) stop.abort(new Error('enough'));
    };
    await assert.rejects(archived(folder, log, { fileMessages: 8 }, stop.signal), /enough/);
    log.onRead = () => {};
    const done = contents(folder);
    assert.deepEqual(Object.keys(done), [
      'CHAIN.000000000001-000000000004.argus',
      'TOWER_0.000000000001-000000000008.argus',
      'TOWER_0.000000000009-000000000016.argus',
    ]);
    // As after a kill -9.
    const { pid } = spawnSync(process.execPath, ['--version']);
    writeFileSync(join(folder, 'archive.lock'), `${pid} ${hostname()}\n`);
    const draft = join(folder, 'TOWER_1.000000000001-000000000008.argus.draft');
    writeFileSync(draft, 'half of it');
    assert.deepEqual((await check(folder)).signedTo, [16, 0], 'what is whole is good');
    assert.deepEqual(await archived(folder, log, { fileMessages: 8 }), ['TOWER_1', 'TOWER_1', 'CHECKPOINTS']);
    assert.ok(!existsSync(draft) && !existsSync(join(folder, 'archive.lock')));
    assert.deepEqual(contents(folder, Object.keys(done)), done);
    assert.deepEqual((await check(folder)).signedTo, [16, 16]);
  });

  test('writes again what was lost', async (t) => {
    const log = new MadeUpLog(2).grow(4);
    const folder = await archiveOf(t, log, { fileMessages: 8 });
    const before = contents(folder);
    for (const name of Object.keys(before)) if (/^TOWER_1.*16|^CHAIN/.test(name)) rmSync(join(folder, name));
    assert.deepEqual(await archived(folder, log, { fileMessages: 8 }), ['CHAIN', 'TOWER_1']);
    assert.deepEqual(contents(folder), before);
  });

  test('is one at a time', async (t) => {
    const log = new MadeUpLog().grow(1);
    const folder = tempDir(t);
    writeFileSync(join(folder, 'archive.lock'), `${process.pid} ${hostname()}\n`);
    await assert.rejects(archived(folder, log), { code: 'archive', message: new RegExp(`process ${process.pid} on`) });
    writeFileSync(join(folder, 'archive.lock'), '1 elsewhere\n');
    await assert.rejects(archived(folder, log), /process 1 on elsewhere writes this archive/);
  });

  test('takes nothing that the tower did not sign, and goes on from nothing that is not of this log', async (t) => {
    const log = new MadeUpLog().grow(2);
    const folder = await archiveOf(t, log);
    log.grow(2);
    const names = readdirSync(folder);
    const message = log.of('TOWER_0')[10] ?? assert.fail();
    log.of('TOWER_0')[10] = {
      ...message,
      data: Buffer.from(Buffer.from(message.data).toString().replace('one', 'two')),
    };
    await assert.rejects(archived(folder, log), {
      message:
        /^TOWER_0 9 to 16: the head of shard 0 over 16 messages has another root than they have \(message 4 of CHECKPOINTS\)/,
    });
    assert.deepEqual(
      readdirSync(folder).filter((name) => !names.includes(name)),
      ['CHAIN.000000000003-000000000004.argus'],
    );
    await assert.rejects(archived(folder, new MadeUpLog(2).grow(4)), /it is of another log: its shards is 1/);
    const other = new MadeUpLog().grow(4, 2);
    await assert.rejects(archived(folder, other), /^Error: CHECKPOINTS 2: the archive and the live log have different/);
    await assert.rejects(archived(folder, new MadeUpLog().grow(1)), {
      message:
        'CHAIN 2: the archive has messages up to 4, the live log only up to 1: it was set back, or is another one',
    });
  });
});

const STREAMS_IN_ORDER = ['CHAIN', 'TOWER_0', 'TOWER_1', 'CHECKPOINTS'];

const plain = (messages: readonly { readonly data: Uint8Array }[]) =>
  messages.map((message) => ({ ...message, data: Buffer.from(message.data).toString('hex') }));

const contents = (folder: string, names = readdirSync(folder).filter((name) => name.endsWith('.argus'))) =>
  Object.fromEntries(names.toSorted().map((name) => [name, readFileSync(join(folder, name)).toString('hex')]));
