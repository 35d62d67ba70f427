import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ArchiveFile } from '../../../../actors/auditor/archive/archive-file.js';
import { openArchive } from '../../../../actors/auditor/archive/archive-folder.js';
import { ArchiveSource } from '../../../../actors/auditor/archive/archive-source.js';
import { checkArchive } from '../../../../actors/auditor/archive/check-archive.js';
import { writeArchiveFile } from '../../../../actors/auditor/archive/write-file.js';
import type { AuditMessage } from '../../../../actors/auditor/audit-source.js';
import { TowerId } from '../../../../events/ids.js';
import { headTower } from '../../../fixtures/stored-heads.js';
import { archived, archiveOf, BEGAN, MadeUpLog, never, readAll } from '../../../support/made-up-log.js';
import type { Cleanup } from '../../../support/temp-dir.js';

const check = async (folder: string, tower = headTower) =>
  checkArchive(await openArchive(folder), { tower, onRead: () => {}, signal: never });

const FIRST = 'TOWER_0.000000000001-000000000004.argus';
const SECOND = 'TOWER_0.000000000005-000000000008.argus';
const THIRD = 'TOWER_0.000000000009-000000000012.argus';

/** An archive of three blocks, each with three users before it, with a file of `TOWER_0` for each. */
const three = async (t: Cleanup) => archiveOf(t, new MadeUpLog().grow(3), { fileMessages: 4 });

describe('checking an archive', () => {
  test('finds any byte of a file that is another one', async (t) => {
    const folder = await archiveOf(t, new MadeUpLog().grow(2, 0));
    await check(folder);
    const [name = ''] = readdirSync(folder).filter((one) => one.startsWith('TOWER'));
    const path = join(folder, name);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      writeFileSync(path, flipped);
      const checking = ArchiveFile.open(path).then((file) => file.check(never));
      await assert.rejects(checking, { code: 'archive' }, `byte ${at} of ${bytes.length}`);
    }
    await assert.rejects(check(folder), (error: Error) => error.message.startsWith(`${name}: `));
  });

  test('finds a file that is cut short, wherever, or longer than it was', async (t) => {
    const folder = await three(t);
    const path = join(folder, SECOND);
    const bytes = readFileSync(path);
    for (const length of [0, 1, 20, bytes.indexOf('\n'), bytes.indexOf('\n') + 1, 900, bytes.length - 1]) {
      writeFileSync(path, bytes);
      truncateSync(path, length);
      await assert.rejects(openArchive(folder), (error: Error) => error.message.startsWith(`${SECOND}: `));
    }
    writeFileSync(path, Buffer.concat([bytes, Buffer.of(0)]));
    await assert.rejects(openArchive(folder), { message: /its end is not there, or is damaged/ });
  });

  test('finds files that are swapped, missing, doubled, or of another archive', async (t) => {
    const folder = await three(t);
    const [first, second] = [join(folder, FIRST), join(folder, SECOND)];
    const aside = join(folder, 'aside');
    renameSync(first, aside);
    renameSync(second, first);
    renameSync(aside, second);
    await assert.rejects(openArchive(folder), {
      message: `${FIRST}: its header is that of ${SECOND}: it was renamed, or swapped for another`,
    });

    const missing = await three(t);
    rmSync(join(missing, SECOND));
    await assert.rejects(openArchive(missing), { message: 'TOWER_0 5: no file holds 5 to 8' });
    const beheaded = await three(t);
    rmSync(join(beheaded, FIRST));
    await assert.rejects(openArchive(beheaded), { message: 'TOWER_0 1: no file holds 1 to 4' });
    const curtailed = await three(t);
    rmSync(join(curtailed, THIRD));
    await assert.rejects(check(curtailed), {
      message:
        'CHECKPOINTS 3: the tower signed this head over 12 messages of TOWER_0, and only 8 are there: files are missing',
    });

    const other = await archiveOf(t, new MadeUpLog().grow(3), { fileMessages: 8 });
    const doubled = await three(t);
    const both = 'TOWER_0.000000000001-000000000008.argus';
    writeFileSync(join(doubled, both), readFileSync(join(other, both)));
    await assert.rejects(openArchive(doubled), { message: /holds message 1 as well$/ });
    const mixed = await three(t);
    writeFileSync(
      join(mixed, SECOND),
      readFileSync(
        join(
          await archiveOf(t, new MadeUpLog().grow(3, 3), {
            fileMessages: 4,
            until: BEGAN + 10 ** 9,
            network: 'signet',
          }),
          SECOND,
        ),
      ),
    );
    await assert.rejects(openArchive(mixed), {
      message: `${SECOND}: it is of another log: its network is signet, that of CHAIN.000000000001-000000000003.argus regtest`,
    });
  });

  test('finds what was changed by somebody who made the checksums right again', async (t) => {
    const folder = await three(t);
    await rewrite(folder, SECOND, (messages) =>
      messages.map((message) =>
        message.position === 6
          ? { ...message, data: Buffer.from(Buffer.from(message.data).toString().replace('one', 'two')) }
          : message,
      ),
    );
    await assert.rejects(openArchive(folder), { message: `${THIRD}: it was not written behind this ${SECOND}` });
    rmSync(join(folder, THIRD));
    await assert.rejects(check(folder), {
      message: 'CHECKPOINTS 2: the head of shard 0 over 8 messages has another root than they have',
    });
    // Whoever reads it alone is told by the heads, too; what is damaged without such care by gunzip.
    const source = await ArchiveSource.open(folder);
    assert.equal((await readAll(source, 'TOWER_0')).length, 8);

    const moved = await three(t);
    rmSync(join(moved, THIRD));
    await rewrite(moved, SECOND, (messages) => messages.map((message) => ({ ...message, subject: 'argus.1.scan' })));
    await assert.rejects(check(moved), { message: `${SECOND}: message 5 is on argus.1.scan` });
    const signed = await three(t);
    await assert.rejects(check(signed, TowerId.parse(`02${'11'.repeat(32)}`)), /it is of another tower/);
  });

  test('names the messages that cannot be unpacked', async (t) => {
    const folder = await three(t);
    const path = join(folder, SECOND);
    const bytes = readFileSync(path);
    const at = bytes.length - 300;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const source = await ArchiveSource.open(folder);
    await assert.rejects(readAll(source, 'TOWER_0'), {
      message: `${SECOND}: messages 5 to 8 cannot be unpacked: it is damaged`,
    });
  });

  test('knows a version that is newer than itself', async (t) => {
    const folder = await three(t);
    const path = join(folder, FIRST);
    writeFileSync(path, readFileSync(path, 'latin1').replace('"version":1', '"version":2'), 'latin1');
    await assert.rejects(openArchive(folder), { message: `${FIRST}: a newer Argus wrote it: version 2 of the format` });
  });

  test('needs no more than what is there: other files in the folder are left alone', async (t) => {
    const folder = await three(t);
    for (const name of ['README', 'TOWER_0.argus', `${FIRST}.draft`]) writeFileSync(join(folder, name), '');
    await check(folder);
    assert.deepEqual(await archived(folder, new MadeUpLog().grow(3)), []);
    assert.ok(readdirSync(folder).includes('README'));
  });
});

/** Writes a file of an archive anew, with other messages and a checksum that is right. */
async function rewrite(folder: string, name: string, change: (messages: AuditMessage[]) => AuditMessage[]) {
  const file = await ArchiveFile.open(join(folder, name));
  const messages: AuditMessage[] = [];
  for await (const batch of file.messages(file.header.first, file.header.last)) messages.push(...batch);
  await writeArchiveFile(folder, file.header, one(change(messages)));
}

async function* one<T>(value: T): AsyncGenerator<T> {
  yield value;
}
