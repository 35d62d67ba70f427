import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { ConsumerInfo, NatsConnection } from 'nats';
import { pino } from 'pino';
import { AuditDesk } from '../../../actors/audit-desk/audit-desk.js';
import { AUDIT_CONSUMER } from '../../../actors/audit-wire.js';
import type { AuditMessage, AuditSource } from '../../../actors/auditor/audit-source.js';
import { AS_NODE, AUDITOR_INBOX, openLiveSource } from '../../../actors/auditor/live-source.js';
import { packageRoot } from '../../../actors/package-root.js';
import { MissingMessageError } from '../../../events/log/errors.js';
import { blobStream, SNAPSHOTS_STREAM, towerStream } from '../../../events/log/streams.js';
import { auditorsWay } from '../../support/auditor-command.js';
import { shard } from '../../support/log.js';
import { startSignedLog } from '../../support/signed-log.js';

/** An auditor reads by a consumer that a node makes for it, and by position where none does, or the consumer is of no use. */

const APPOINTMENTS = 4_000;
const STREAMS = [towerStream(shard), blobStream(shard)] as const;
const [TOWER, BLOBS] = STREAMS;

describe('an auditor that reads very much', () => {
  const ends: (() => unknown)[] = [];
  const whole = { after: (end: () => unknown) => void ends.push(end) };
  let signed: Awaited<ReturnType<typeof startSignedLog>>;
  let desk: AuditDesk;
  let nc: NatsConnection;

  before(async () => {
    signed = await startSignedLog(whole, APPOINTMENTS);
    const { log } = signed;
    const streams = [...STREAMS, SNAPSHOTS_STREAM];
    desk = new AuditDesk(signed.nc, { version: '1.0.0', jsm: log.jsm, streams, log: pino({ level: 'silent' }) });
    await desk.open();
    await log.jsm.streams.deleteMessage(BLOBS, 7);
    await log.jsm.streams.deleteMessage(BLOBS, APPOINTMENTS);
    nc = await signed.nats.connect('auditor', { inboxPrefix: AUDITOR_INBOX });
  });
  after(async () => {
    await desk.close();
    for (const end of ends.reverse()) await end();
  });

  const consumers = async (stream: string): Promise<ConsumerInfo[]> => signed.log.jsm.consumers.list(stream).next();
  const forget = async () => {
    for (const stream of STREAMS)
      for (const { name } of await consumers(stream)) await signed.log.jsm.consumers.delete(stream, name);
  };
  const openAs = async (seed = signed.nats.auditorSeed) => openLiveSource(await signed.nats.connect('auditor'), seed);

  test('is given the same as by position, also of blobs some of which are gone', async () => {
    await forget();
    const auditor = await openAs();
    const node = await openLiveSource(await signed.nats.connect('node'), signed.nats.nodeSeed, AS_NODE);
    const [fromConsumer, byPosition] = [await both(auditor), await both(node)];
    assert.deepEqual(fromConsumer, byPosition);
    assert.equal(fromConsumer.blobs.length, APPOINTMENTS - 2);
    for (const stream of STREAMS) {
      const [consumer, ...others] = await consumers(stream);
      assert.deepEqual([others.length, consumer?.config.deliver_subject], [0, undefined], stream);
      assert.equal(
        consumer?.delivered.stream_seq,
        await auditor.tail(stream).then((tail) => (stream === BLOBS ? tail - 1 : tail)),
      );
    }
    await auditor.close();
    await node.close();
  });

  test('goes on by position where the consumer is gone, and is told of what is missing', async () => {
    const auditor = await openAs();
    const read: AuditMessage[] = [];
    for await (const batch of auditor.read(TOWER, 1, await auditor.tail(TOWER), never)) {
      if (read.length === 0) await forget();
      read.push(...batch);
    }
    assert.deepEqual(
      read.map(({ position }) => position),
      Array.from({ length: APPOINTMENTS + 2 }, (_, i) => i + 1),
    );
    await assert.rejects(async () => {
      for await (const [first] of auditor.read(BLOBS, 1, APPOINTMENTS - 1, never)) assert.ok(first);
    }, MissingMessageError);
    await auditor.close();
  });

  test('audits in a process that ends when it is done, with a node and without', async (t) => {
    for (const isUp of [true, false]) {
      if (!isUp) await desk.close();
      await forget();
      const way = auditorsWay(t, signed.nats);
      const args = ['audit', 'verify', '--json', '--all', '--tower', signed.towerId, ...way];
      const child = spawn(process.execPath, [join(packageRoot, 'dist', 'cli', 'main.js'), ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 60_000,
      });
      const [said, complaint, [status]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close'),
      ]);
      const { findings } = JSON.parse(said);
      // Two blobs are gone, though their appointments live: that, and nothing else.
      assert.deepEqual(
        [status, findings.map(({ what }: { what: string }) => what)],
        [1, ['blob-missing', 'blob-missing']],
        complaint,
      );
      assert.equal((await consumers(TOWER)).length, isUp ? 1 : 0);
    }
    await desk.open();
  });

  test('has few consumers at once, and only of what it may read', async () => {
    const ask = async (subject: string, question: unknown) =>
      (await nc.request(subject, JSON.stringify(question), { timeout: 5_000 })).json<Record<string, string>>();
    for (let i = 0; i < 40; i++) await ask(`${AUDIT_CONSUMER}.${TOWER}`, { from: 1 });
    assert.ok((await consumers(TOWER)).length <= 33);
    for (const question of [
      {},
      { from: 0 },
      { from: 1.5 },
      { from: 1, deliver_subject: 'argus.0.user.x' },
      'x'.repeat(300),
    ])
      assert.match((await ask(`${AUDIT_CONSUMER}.${TOWER}`, question)).error ?? '', /whole number from 1/);
    await assert.rejects(ask(`${AUDIT_CONSUMER}.${SNAPSHOTS_STREAM}`, { from: 1 }));
  });

  test('is given large blobs as far as their bytes allow at once', async () => {
    await forget();
    const tail = APPOINTMENTS + LARGE;
    const js = signed.nc.jetstream();
    const store = () => js.publish('argus.0.blob.x', new Uint8Array(LARGE_BYTES), { timeout: 60_000 });
    for (let stored = 0; stored < LARGE; stored += 100) await Promise.all(Array.from({ length: 100 }, store));
    const auditor = await openAs();
    let count = 0;
    for await (const batch of auditor.remaining(BLOBS, APPOINTMENTS + 1, tail, never)) count += batch.length;
    assert.equal(count, LARGE);
    assert.equal((await consumers(BLOBS))[0]?.delivered.stream_seq, tail, 'all of them came from the consumer');
    await auditor.close();
  });
});

/** More than a consumer is asked for, and than may come at once. */
const [LARGE, LARGE_BYTES] = [3_500, 6_000];

const never = new AbortController().signal;

async function both(source: AuditSource) {
  const all = async (batches: AsyncIterable<readonly AuditMessage[]>) => {
    const messages: object[] = [];
    for await (const batch of batches)
      for (const { data, ...rest } of batch) messages.push({ ...rest, data: Buffer.from(data).toString('base64') });
    return messages;
  };
  const log = await all(source.read(TOWER, 1, await source.tail(TOWER), never));
  return { log, blobs: await all(source.remaining(BLOBS, 1, APPOINTMENTS, never)) };
}
