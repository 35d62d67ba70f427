import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Events, type NatsConnection } from 'nats';
import type { AuditSource } from '../../../actors/auditor/audit-source.js';
import { openLiveSource } from '../../../actors/auditor/live-source.js';
import { within } from '../../../cli/servers/child.js';
import { blobStream, CHAIN, CHECKPOINTS, towerStream } from '../../../events/log/streams.js';
import { userId } from '../../fixtures/ids.js';
import { appendAll, blockCommit, layout, shard, startTestLog, userCommit } from '../../support/log.js';

const TOWER = towerStream(shard);
const never = new AbortController().signal;

async function all(batches: ReturnType<AuditSource['read']>) {
  const found = [];
  for await (const batch of batches) found.push(...batch);
  return found;
}

describe('an auditor with the key that nats.conf gives it', () => {
  test('reads all that was stored, with what and when, in order', async (t) => {
    const { nats, log } = await startTestLog(t);
    const names = Array.from({ length: 4_100 }, (_, i) => `user ${i}`);
    const began = Date.now();
    await Promise.all(names.map((name) => appendAll(log, [userCommit(name)])));
    await appendAll(log, [blockCommit(7)]);
    for (const seed of [nats.auditorSeed, '']) {
      const source = await openLiveSource(await nats.connect('auditor'), seed); // without a seed: by the client
      assert.deepEqual(source.identity, { network: 'regtest', towerId: layout.towerId, shards: 1 });
      assert.deepEqual(
        [await source.tail(TOWER), await source.tail(CHAIN), await source.tail(CHECKPOINTS), await source.tail('NONE')],
        [4_100, 1, 0, 0],
      );
      const read = await all(source.read(TOWER, 3, 4_099, never));
      assert.deepEqual(
        read.map(({ position }) => position),
        Array.from({ length: 4_097 }, (_, i) => i + 3),
      );
      const subjects = new Set(names.map((name) => `argus.0.user.${userId(name)}`));
      for (const { stream, subject, time, data, position } of read) {
        assert.ok(stream === TOWER && subjects.delete(subject));
        assert.ok(time >= began - 1 && time <= Date.now(), 'the time is that of the server');
        if (position % 500 === 0) assert.deepEqual(Buffer.from(data), Buffer.from(await log.bytesAt(position, shard)));
      }
      await source.close();
    }
  });

  test('is told by stream and position what is missing, and reads around it where that may be', async (t) => {
    const { nats, log } = await startTestLog(t);
    const blobs = [1, 2, 3, 4].map((i) => ({ subject: `argus.0.blob.${userId('one')}`, data: Buffer.from(`${i}`) }));
    for (const blob of blobs) await log.store(blobStream(shard), blob);
    for (const position of [1, 3]) await log.jsm.streams.deleteMessage(blobStream(shard), position);
    const source = await openLiveSource(await nats.connect('auditor'), nats.auditorSeed);
    const there = await all(source.remaining(blobStream(shard), 1, 4, never));
    assert.deepEqual(
      there.map(({ position, data }) => [position, Buffer.from(data).toString()]),
      [
        [2, '2'],
        [4, '4'],
      ],
    );
    assert.deepEqual(await all(source.remaining(blobStream(shard), 5, 9, never)), []);
    await assert.rejects(all(source.read(blobStream(shard), 2, 4, never)), {
      code: 'message-missing',
      message: 'BLOBS_0 has no message 3',
    });
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    await assert.rejects(all(source.read(blobStream(shard), 2, 2, stop.signal)), { message: 'enough' });
    await source.close();
  });

  test('goes on where the server was away', async (t) => {
    const { nats, log } = await startTestLog(t);
    await Promise.all(Array.from({ length: 2_500 }, (_, i) => appendAll(log, [userCommit(`user ${i}`)])));
    const source = await openLiveSource(await nats.connect('auditor'), nats.auditorSeed);
    let read = 0;
    for await (const batch of source.read(TOWER, 1, 2_500, never)) {
      if (read === 0) {
        await nats.kill();
        await nats.restart();
      }
      read += batch.length;
    }
    assert.equal(read, 2_500);
    assert.equal((await all(source.read(TOWER, 1, 10, never))).length, 10);
    await source.close();
  });

  test('can change nothing, ask nobody, and hear of nothing else', async (t) => {
    const { nats, log } = await startTestLog(t);
    await appendAll(log, [userCommit('one')]);
    const auditor = await nats.connect('auditor');
    log.nc.subscribe('argus.operator.v1.info', { callback: (_, message) => void message.respond('secret') });
    await log.nc.flush();
    const subject = `argus.0.user.${userId('one')}`;
    const forbidden = [
      subject,
      'argus.chain',
      'argus.operator.v1.info',
      'argus.v1.info',
      '$SRV.PING',
      ...[
        'STREAM.DELETE',
        'STREAM.PURGE',
        'STREAM.MSG.DELETE',
        'STREAM.UPDATE',
        'STREAM.SNAPSHOT',
        'STREAM.RESTORE',
      ].map((what) => `$JS.API.${what}.${TOWER}`),
      `$JS.API.CONSUMER.CREATE.${TOWER}`,
      `$JS.API.CONSUMER.DURABLE.CREATE.${TOWER}.mine`,
      `argus.audit.v1.get.OBJ_SNAPSHOTS`,
    ];
    for (const what of forbidden) assert.equal(await refused(auditor, () => auditor.publish(what)), `publish ${what}`);
    for (const what of ['>', 'argus.>', '$JS.>', '_INBOX.>', '_R_.>'])
      assert.equal(await refused(auditor, () => auditor.subscribe(what)), `subscription ${what}`);

    // Whoever asks says where the answer goes: it is not to go to the log.
    auditor.publish(`argus.audit.v1.info.${TOWER}`, '', { reply: subject });
    auditor.publish(`argus.audit.v1.get.${TOWER}`, '{"seq":1}', { reply: subject });
    await auditor.flush();
    const source = await openLiveSource(auditor, nats.auditorSeed);
    assert.equal((await all(source.read(TOWER, 1, 1, never))).length, 1);
    assert.equal(await log.tail(TOWER), 1);
    await source.close();
  });
});

/** What of `act` the server refuses, as "publish x" or "subscription x"; "nothing" when it refuses nothing. */
async function refused(connection: NatsConnection, act: () => unknown): Promise<string> {
  const answer = (async () => {
    for await (const { type, data, permissionContext: what } of connection.status())
      if (type === Events.Error && data === 'PERMISSIONS_VIOLATION') return `${what?.operation} ${what?.subject}`;
    return 'closed';
  })();
  act();
  await connection.flush();
  return (await within(answer, 1_000)) ?? 'nothing';
}
