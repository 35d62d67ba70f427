import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { ensureStreams } from '../../../events/log/ensure-streams.js';
import { SharedFiles } from '../../../events/log/shared-files.js';
import { SNAPSHOTS, SNAPSHOTS_STREAM } from '../../../events/log/streams.js';
import { layout } from '../../support/log.js';
import { startTestNats } from '../../support/nats.js';

describe('files that nodes share', () => {
  test('are what they were, with what was said of them', async (t) => {
    const { files } = await start(t);
    assert.equal(await files.about('one'), undefined);
    assert.equal(await files.get('one', 5_000), undefined);
    const bytes = randomBytes(1_700_000);
    await files.put('one', bytes, { position: '7' });
    assert.deepEqual(await files.about('one'), { position: '7' });
    assert.equal(Buffer.compare((await files.get('one', 5_000)) ?? Buffer.of(), bytes), 0);
  });

  test('replace each other: the bucket does not grow', async (t) => {
    const { files, size } = await start(t);
    await files.put('one', randomBytes(1_000_000), {});
    const before = await size();
    for (let n = 0; n < 5; n++) await files.put('one', randomBytes(1_000_000), {});
    assert.equal(await size(), before);
  });

  test('lose what somebody began and gave up long ago, and nothing that may yet be finished', async (t) => {
    const { files, nc, jsm, size } = await start(t);
    await files.put('one', randomBytes(1_000), {});
    const before = await size();
    await nc.jetstream().publish(`$O.${SNAPSHOTS}.C.ABANDONED`, randomBytes(100));
    await files.put('one', randomBytes(1_000), {});
    assert.equal(await size(), before + 1, 'somebody may be at work on it');
    const now = Date.now();
    t.mock.timers.enable({ apis: ['Date'], now: now + 11 * 60_000 });
    await files.put('one', randomBytes(1_000), {});
    assert.equal(await size(), before);
    assert.equal((await jsm.streams.info(SNAPSHOTS_STREAM)).config.allow_rollup_hdrs, true);
  });

  test('of which one is not whole is an error, in time', async (t) => {
    const { files, jsm } = await start(t);
    await files.put('one', randomBytes(1_700_000), {});
    await jsm.streams.purge(SNAPSHOTS_STREAM, { filter: `$O.${SNAPSHOTS}.C.>` });
    await assert.rejects(files.get('one', 500), /time/);
  });

  test('need a bucket, which nobody makes in passing', async (t) => {
    const { nc, jsm } = await start(t);
    await assert.rejects(SharedFiles.open(nc, 'ANOTHER'), /no bucket/);
    assert.equal((await jsm.streams.names().next()).includes('OBJ_ANOTHER'), false);
  });
});

async function start(t: TestContext) {
  const nc = await (await startTestNats(t)).connect('node');
  await ensureStreams(nc, layout);
  const jsm = await nc.jetstreamManager();
  const size = async () => (await jsm.streams.info(SNAPSHOTS_STREAM)).state.messages;
  return { nc, jsm, size, files: await SharedFiles.open(nc, SNAPSHOTS) };
}
