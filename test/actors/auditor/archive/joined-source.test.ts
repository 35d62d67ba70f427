import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ArchiveSource } from '../../../../actors/auditor/archive/archive-source.js';
import { joinSources } from '../../../../actors/auditor/archive/joined-source.js';
import { archiveOf, BEGAN, MadeUpLog, never, readAll } from '../../../support/made-up-log.js';

const STREAMS = ['CHAIN', 'CHECKPOINTS', 'TOWER_0'];

describe('an archive and the live log', () => {
  test('are read as one: what is archived from the archive, what comes after it from the log', async (t) => {
    const log = new MadeUpLog().grow(4);
    const archive = await ArchiveSource.open(await archiveOf(t, log, { until: BEGAN + 3 * 600_000 }));
    const joined = await joinSources(archive, log, never);
    assert.deepEqual(joined.identity, log.identity);
    const asked: string[] = [];
    log.onRead = ({ stream, position }) => asked.push(`${stream} ${position}`);
    for (const stream of STREAMS) {
      const all = log.of(stream).map((message) => ({ ...message, data: Buffer.from(message.data).toString('hex') }));
      assert.equal(await joined.tail(stream), all.length);
      for (let from = 1; from <= all.length; from++)
        for (let through = from; through <= all.length; through++) {
          const found = [];
          for await (const batch of joined.read(stream, from, through, never)) found.push(...batch);
          assert.deepEqual(
            found.map((message) => ({ ...message, data: Buffer.from(message.data).toString('hex') })),
            all.slice(from - 1, through),
          );
        }
    }
    assert.ok(!asked.includes('TOWER_0 8') && asked.includes('TOWER_0 9'));
    log.streams.set('BLOBS_0', [
      { stream: 'BLOBS_0', position: 1, subject: 'b', time: BEGAN, data: new Uint8Array(3) },
    ]);
    assert.equal((await readAll(joined, 'BLOBS_0')).length, 1);
    assert.deepEqual([joined.hasBlobs, archive.hasBlobs], [true, false]);
    await joined.close();
    assert.ok(log.closed);
  });

  test('have to meet: where they do not is named by stream and position', async (t) => {
    const folder = await archiveOf(t, new MadeUpLog().grow(3));
    const join = async (log: MadeUpLog) => joinSources(await ArchiveSource.open(folder), log, never);
    await join(new MadeUpLog().grow(3));
    await assert.rejects(join(new MadeUpLog().grow(2)), {
      message:
        'CHAIN 3: the archive has messages up to 3, the live log only up to 2: it was set back, or is another one',
    });
    await assert.rejects(join(new MadeUpLog().grow(3, 2)), {
      message: 'CHECKPOINTS 3: the archive and the live log have different messages there',
    });
    const gone = new MadeUpLog().grow(4);
    delete gone.of('TOWER_0')[11];
    await assert.rejects(join(gone), { code: 'message-missing', message: 'TOWER_0 has no message 12' });
    const later = new MadeUpLog().grow(4);
    delete later.of('TOWER_0')[12];
    const joined = await join(later);
    await assert.rejects(readAll(joined, 'TOWER_0'), { code: 'message-missing', message: 'TOWER_0 has no message 13' });
    await assert.rejects(join(new MadeUpLog(2).grow(3)), { message: /its shards is 1, that of the live log 2$/ });
  });
});
