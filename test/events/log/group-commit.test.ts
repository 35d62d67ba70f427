import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BlobStore } from '../../../events/log/blobs.js';
import type { EventLog } from '../../../events/log/log.js';
import { blobStream, towerStream } from '../../../events/log/streams.js';
import type { BlobRef } from '../../../events/user.js';
import { userId } from '../../fixtures/ids.js';
import { type NewCommit, shard, startTestLog, userCommit } from '../../support/log.js';
import { startNatsProxy } from '../../support/nats-proxy.js';
import type { Cleanup } from '../../support/temp-dir.js';
import { until } from '../../support/until.js';

const patience = 20_000;
const stream = towerStream(shard);

const usersOf = (count: number, name = 'user') => Array.from({ length: count }, (_, i) => userCommit(`${name} ${i}`));

const appendAtOnce = (log: EventLog, commits: readonly NewCommit[]) =>
  Promise.all(commits.map((commit) => log.append(commit, { shard, expected: 0, patience })));

/** Of each message of a stream, the batch that it came in; undefined for one that came alone. */
async function batchesOf(log: EventLog, name = stream): Promise<(string | undefined)[]> {
  const batches: (string | undefined)[] = [];
  for (let seq = 1; seq <= (await log.tail(name)); seq++)
    batches.push((await log.jsm.streams.getMessage(name, { seq })).header.get('Nats-Batch-Id') || undefined);
  return batches;
}

/** Each of the commits is on the log once, where its append said. */
async function assertStored(log: EventLog, commits: readonly NewCommit[], appended: readonly { position: number }[]) {
  for (const [i, { aggregate, id }] of commits.entries()) {
    const stored = await log.load(aggregate, shard);
    assert.deepEqual(
      stored.map((commit) => [commit.id, commit.position]),
      [[id, appended[i]?.position]],
    );
  }
}

async function assertBlob(blobs: BlobStore | undefined, ref: BlobRef, expected: Uint8Array | undefined) {
  const stored = await blobs?.get(shard, ref);
  assert.ok(stored && expected && Buffer.compare(stored, expected) === 0);
}

describe('what is appended at the same time', () => {
  test('goes as one batch, and what comes alone by itself', async (t) => {
    const { log } = await startTestLog(t);
    await log.append(userCommit('alone'), { shard, expected: 0, patience });
    const commits = usersOf(50);
    const appended = await appendAtOnce(log, commits);
    const [alone, ...together] = await batchesOf(log);
    assert.equal(alone, undefined);
    assert.equal(together.length, 50);
    assert.ok(together[0]);
    assert.deepEqual(new Set(together), new Set([together[0]]));
    await assertStored(log, commits, appended);
  });

  test('by few goes one by one', async (t) => {
    const { log } = await startTestLog(t);
    await appendAtOnce(log, usersOf(5));
    assert.deepEqual(await batchesOf(log), Array(5).fill(undefined));
  });

  test('may be more than a batch holds', async (t) => {
    const { log } = await startTestLog(t);
    const commits = usersOf(1_200);
    const appended = await appendAtOnce(log, commits);
    assert.deepEqual(
      appended.map(({ position }) => position).sort((a, b) => a - b),
      Array.from(commits, (_, i) => i + 1),
    );
    await assertStored(log, commits.slice(250, 260), appended.slice(250, 260));
  });

  test('on one aggregate keeps its order', async (t) => {
    const { log } = await startTestLog(t);
    const [first, second, third] = [userCommit('alice'), userCommit('alice'), userCommit('alice')];
    const outcomes = await Promise.all([
      log.append(first, { shard, expected: 0, patience }),
      ...usersOf(30).map((commit) => log.append(commit, { shard, expected: 0, patience })),
      log.append(second, { shard, expected: 1, patience }),
      log.append(third, { shard, expected: 1, patience }),
    ]);
    assert.deepEqual(outcomes[0], { kind: 'appended', position: 1 });
    assert.deepEqual(outcomes[31], { kind: 'appended', position: 32 });
    assert.deepEqual(outcomes[32], { kind: 'conflict', position: 32 });
    assert.ok((await batchesOf(log))[0], 'nor is the batch refused for having the aggregate twice');
    assert.deepEqual(
      (await log.load(first.aggregate, shard)).map(({ id }) => id),
      [first.id, second.id],
    );
  });

  test('goes one by one into a stream that takes no batches, and no second batch is tried', async (t) => {
    const { nats, log, open } = await startTestLog(t);
    const { config } = await log.jsm.streams.info(stream);
    const without: typeof config & { allow_atomic: boolean } = { ...config, allow_atomic: false };
    await log.jsm.streams.update(stream, without);
    const line = await startNatsProxy(t, nats.port);
    const far = await open(line.url);
    const commits = usersOf(100);
    await assertStored(log, commits, await appendAtOnce(far, commits));
    const losing = line.loseSent(/Nats-Batch-Id/);
    const more = usersOf(100, 'more');
    await assertStored(log, more, await appendAtOnce(far, more));
    assert.equal(losing.count(), 0);
    assert.deepEqual(await batchesOf(log), Array(200).fill(undefined));
  });

  test('and cannot be sent at all fails for its own caller only', async (t) => {
    const { log } = await startTestLog(t);
    const blobs = new BlobStore(log);
    const tooLong = assert.rejects(blobs.put(shard, userId('alice'), new Uint8Array(2_000_000)));
    const puts = Array.from({ length: 40 }, (_, i) => blobs.put(shard, userId(`user ${i}`), Buffer.from(`blob ${i}`)));
    await tooLong;
    for (const [i, ref] of (await Promise.all(puts)).entries()) await assertBlob(blobs, ref, Buffer.from(`blob ${i}`));
  });
});

describe('blobs that are stored at the same time', () => {
  test('go as batches, one user’s too, and each is found where it was said to be', async (t) => {
    const { log, open } = await startTestLog(t);
    const stores = [new BlobStore(log), new BlobStore(await open())];
    const blobs = Array.from({ length: 300 }, (_, i) => Buffer.alloc(600, `blob ${i} `));
    const refs = await Promise.all(
      blobs.map((blob, i) => stores[i % 2]?.put(shard, userId(`user ${i % 7}`), blob) ?? assert.fail()),
    );
    assert.ok((await batchesOf(log, blobStream(shard))).filter((batch) => batch).length > 200);
    for (const [i, ref] of refs.entries()) await assertBlob(stores[0], ref, blobs[i]);
  });

  test('may be large', async (t) => {
    const { log } = await startTestLog(t);
    const blobs = new BlobStore(log);
    const large = Array.from({ length: 40 }, (_, i) => new Uint8Array(65_536).fill(i));
    const refs = await Promise.all(large.map((blob) => blobs.put(shard, userId('alice'), blob)));
    for (const [i, ref] of refs.entries()) await assertBlob(blobs, ref, large[i]);
  });
});

describe('a batch', () => {
  /** A log whose line can be disturbed, and one whose line is sound. */
  const farLog = async (t: Cleanup) => {
    const { nats, log, open } = await startTestLog(t);
    const line = await startNatsProxy(t, nats.port);
    return { nats, log, line, far: await open(line.url) };
  };

  test('whose ack is lost is known again, each commit by its id, though others stand on them by now', async (t) => {
    const { log, line, far } = await farLog(t);
    const commits = usersOf(40);
    line.swallow();
    const appending = appendAtOnce(far, commits);
    await until('the batch is stored', async () => (await log.tail(stream)) === 40);
    const newer = userCommit('user 7');
    const { position: expected } = (await log.last(newer.aggregate, shard)) ?? assert.fail();
    assert.equal((await log.append(newer, { shard, expected, patience })).kind, 'appended');
    line.cut();
    const appended = await appending;
    assert.ok(appended.every(({ kind }) => kind === 'appended'));
    assert.equal(appended[7]?.position, expected);
    await assertStored(log, commits.toSpliced(7, 1), appended.toSpliced(7, 1));
    assert.equal(await log.tail(stream), 41);
  });

  test('that never comes to its commit is sent again, and the server forgets it', async (t) => {
    const { log, line, far } = await farLog(t);
    const advisories = log.nc.subscribe(`$JS.EVENT.ADVISORY.STREAM.BATCH_ABANDONED.${stream}`, { max: 1 });
    const losing = line.loseSent(/Nats-Batch-Commit/);
    const commits = usersOf(40);
    const appending = appendAtOnce(far, commits);
    await until('its commit is lost', () => losing.count() > 0);
    assert.equal(await log.tail(stream), 0);
    losing.stop();
    const appended = await appending;
    assert.ok(appended.every(({ kind }) => kind === 'appended'));
    for await (const _ of advisories) break;
    await assertStored(log, commits, appended);
    assert.equal(await log.tail(stream), 40);
  });

  test('that lacks a message is refused, and each goes by itself', async (t) => {
    const { log, line, far } = await farLog(t);
    const losing = line.loseSent(/Nats-Batch-Sequence: 9\r/);
    const commits = usersOf(40);
    const appended = await appendAtOnce(far, commits);
    assert.equal(losing.count(), 1);
    assert.ok(appended.every(({ kind }) => kind === 'appended'));
    assert.deepEqual(await batchesOf(log), Array(40).fill(undefined));
    await assertStored(log, commits, appended);
  });

  test('that the server is killed over is stored whole or not at all, and each commit once in the end', async (t) => {
    const { nats, log, open } = await startTestLog(t);
    const rounds = 5;
    for (let round = 0; round < rounds; round++) {
      const commits = usersOf(200, `round ${round}, user`);
      const appending = appendAtOnce(log, commits);
      await new Promise((resolve) => setImmediate(resolve)); // they are sent
      await nats.kill();
      await nats.restart();
      const appended = await appending;
      assert.ok(appended.every(({ kind }) => kind === 'appended'));
      // Answered before the kill or after it: another connection reads, one that does not have to be made anew first.
      const reader = await open();
      await assertStored(reader, commits, appended);
      assert.equal(await reader.tail(stream), (round + 1) * 200);
    }
  });

  test('of one node against that of another has one winner on each aggregate', async (t) => {
    const { log, open } = await startTestLog(t);
    const other = await open();
    for (let round = 0; round < 10; round++) {
      const names = Array.from({ length: 30 }, (_, i) => `round ${round}, user ${i}`);
      const [ours, theirs] = [names.map(userCommit), names.toReversed().map(userCommit)];
      const outcomes = await Promise.all([appendAtOnce(log, ours), appendAtOnce(other, theirs)]);
      const winners = [ours, theirs].flatMap((commits, i) =>
        commits.filter((_, at) => outcomes[i]?.[at]?.kind === 'appended'),
      );
      const positions = winners.map(({ aggregate }) => JSON.stringify(aggregate));
      assert.equal(new Set(positions).size, 30);
      assert.equal(winners.length, 30);
      for (const winner of winners)
        assert.deepEqual(
          (await log.load(winner.aggregate, shard)).map(({ id }) => id),
          [winner.id],
        );
    }
    assert.equal(await log.tail(stream), 300);
  });
});
