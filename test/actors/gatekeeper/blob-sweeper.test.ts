import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import pino from 'pino';
import { Bookings } from '../../../actors/bookings.js';
import { BlobSweeper } from '../../../actors/gatekeeper/blob-sweeper.js';
import { type AddAppointment, type Register, userDecider } from '../../../actors/gatekeeper/decisions.js';
import { loadUser } from '../../../actors/gatekeeper/loaded-user.js';
import { Transactor } from '../../../actors/runtime/transact.js';
import { userAggregate } from '../../../events/aggregate.js';
import type { ShardCommit } from '../../../events/commit.js';
import { BlobStore } from '../../../events/log/blobs.js';
import { LogUnavailableError } from '../../../events/log/errors.js';
import { towerStream } from '../../../events/log/streams.js';
import { Fold } from '../../../projections/fold.js';
import { ShardState } from '../../../projections/shard-state.js';
import { shard, startTestLog } from '../../support/log.js';
import type { Cleanup } from '../../support/temp-dir.js';
import { until } from '../../support/until.js';
import { add, register, user } from './commands.js';

/** 64 KiB that nobody else stores, as a server would find it in its files. */
const blobOf = (name: string): Uint8Array => Buffer.from(`[${name}]`.padEnd(1024, '.').repeat(64));

describe('the sweeper', () => {
  test('erases what a crash left behind, and nothing that an appointment refers to', async (t) => {
    const { node } = await world(t);
    const one = await node();
    const orphan = await one.blobs.put(shard, user, blobOf('orphan'));
    const kept = await one.accept('kept');
    await one.sweep();
    assert.deepEqual([await one.isStored(orphan), await one.isStored(kept)], [false, true]);

    const two = await node();
    const late = await one.blobs.put(shard, user, blobOf('late'));
    await Promise.all([one.sweep(), two.sweep()]);
    assert.deepEqual([await one.isStored(late), await one.isStored(kept)], [false, true]);
  });

  test('spares what is young: its commit may be under way', async (t) => {
    const { node } = await world(t);
    const one = await node({ olderThanMs: 60_000 });
    const young = await one.blobs.put(shard, user, blobOf('young'));
    await one.sweep();
    assert.equal(await one.isStored(young), true);
  });

  test('on another node cannot take a blob from a commit, however long that is under way', async (t) => {
    const { node } = await world(t);
    const [slow, other] = [await node(), await node()];
    const blob = await slow.blobs.put(shard, user, blobOf('slow'));
    const { version } = slow.fold.state.user(user);
    await other.sweep(); // while the slow node is frozen between blob and commit
    assert.equal(await slow.isStored(blob), false);
    assert.equal((await slow.add('slow', blob)).kind, 'unavailable');
    assert.ok(slow.fold.state.user(user).version > version, 'the sweep is on the log');
    assert.equal((await slow.add('slow', await slow.blobs.put(shard, user, blobOf('slow')))).kind, 'accepted');
  });

  test('finds what is replaced after it was looked at, by a node that died before it could erase it', async (t) => {
    const { node } = await world(t);
    const [one, other] = [await node(), await node()];
    const first = await one.accept('one');
    await one.blobs.put(shard, user, blobOf('orphan')); // or there would be no need to look at each
    await one.sweep();
    assert.equal(await one.isStored(first), true);
    await other.fold.level();
    const second = await other.blobs.put(shard, user, blobOf('second'));
    assert.equal((await other.add('one', second)).kind, 'accepted');
    await one.fold.level();
    await one.sweep();
    assert.deepEqual([await one.isStored(first), await one.isStored(second)], [false, true]);
  });

  test('tries again what failed', async (t) => {
    const { node } = await world(t);
    const one = await node();
    const blob = await one.accept('one');
    one.fails.erase = true;
    one.sweeper.erase(blob.position);
    await one.sweeper.idle();
    assert.equal(await one.isStored(blob), true);
    one.fails.erase = false;
    await one.sweep();
    assert.equal(await one.isStored(blob), false);
  });

  test('pages through many', async (t) => {
    const { node } = await world(t);
    const one = await node();
    const put = (n: number) => one.blobs.put(shard, user, Buffer.from(`${n}`));
    for (let n = 0; n < 2500; n += 100) await Promise.all(Array.from({ length: 100 }, (_, i) => put(n + i)));
    await one.sweep();
    assert.equal(await one.blobCount(), 0);
  });
});

describe('an erased blob is gone from the disk of the server', () => {
  test('at once, if it ends alone', async (t) => {
    const { node, isOnDisk } = await world(t);
    const one = await node();
    const [gone, kept] = [await one.accept('gone'), await one.accept('kept')];
    assert.deepEqual(['gone', 'kept'].map(isOnDisk), [true, true]);
    one.sweeper.erase(gone.position);
    await one.sweeper.idle();
    assert.deepEqual(['gone', 'kept'].map(isOnDisk), [false, true]);
    assert.equal(await one.isStored(kept), true);
  });

  test('after compaction, if many end at once: a block of 8 MB is rewritten when most of it is erased', async (t) => {
    const { node, isOnDisk } = await world(t);
    const one = await node();
    const blobs: { name: string; isKept: boolean; ref: Awaited<ReturnType<typeof one.accept>> }[] = [];
    for (let n = 0; n < 200; n++)
      blobs.push({ name: `blob ${n}`, isKept: n % 10 === 0, ref: await one.accept(`blob ${n}`) });
    const names = (of: typeof blobs) => of.map(({ name }) => name);
    assert.ok(names(blobs).every(isOnDisk));
    const ended = blobs.filter(({ isKept }) => !isKept);
    for (const { ref } of ended) one.sweeper.erase(ref.position);
    await one.sweeper.idle();
    await until('the first half of the block is gone', () => !names(ended.slice(0, 50)).some(isOnDisk));
    assert.ok(names(blobs.filter(({ isKept }) => isKept)).every(isOnDisk));

    for (const { ref } of blobs) one.sweeper.erase(ref.position);
    await one.sweeper.idle();
    await until('with a whole block, all that was in it', () => !names(blobs).some(isOnDisk));
  });
});

/** A shard on a real server whose user has registered; nodes that sweep it and accept appointments. */
async function world(t: Cleanup) {
  const { nats, open } = await startTestLog(t);
  const node = async ({ olderThanMs = 0 } = {}) => {
    const log = await open();
    const fold = new Fold<ShardCommit, ShardState>(log, towerStream(shard), shard, new ShardState(), (error) => {
      throw error;
    });
    t.after(() => fold.stop());
    const transactor = new Transactor(shard, log, fold, 'test');
    const blobs = new BlobStore(log);
    const fails = { erase: false };
    const sweeper = new BlobSweeper({
      transactor,
      blobs: {
        count: () => blobs.count(shard),
        list: (after) => blobs.list(shard, after),
        erase: async (position, overwrite) => {
          if (fails.erase) throw new LogUnavailableError('the test says so');
          await blobs.erase(shard, position, overwrite);
        },
      },
      state: () => fold.state,
      olderThanMs,
      fail: (error) => assert.fail(error),
      log: pino({ level: 'silent' }),
    });
    const bookings = new Bookings(log, shard, () => {});
    const decide = (command: Register | AddAppointment) =>
      transactor.transact({
        aggregate: userAggregate(user),
        read: (state) => loadUser(state, user, command.kind === 'register' ? 'none' : command, bookings, 10_000),
        decide: (state) => userDecider.decide(command, state),
        patience: 10_000,
      });
    const add_ = (name: string, blob: Awaited<ReturnType<typeof blobs.put>>) => decide(add(name, { blob }));
    await fold.level();
    if (fold.state.user(user).version === 0) await decide(register(1000, { slots: 100_000 }));
    return {
      fold,
      blobs,
      fails,
      sweeper,
      add: add_,
      accept: async (name: string) => {
        const blob = await blobs.put(shard, user, blobOf(name));
        assert.equal((await add_(name, blob)).kind, 'accepted');
        return blob;
      },
      sweep: async () => {
        await sweeper.blocksConnected();
        await sweeper.idle();
      },
      isStored: async (ref: Parameters<typeof blobs.get>[1]) => (await blobs.get(shard, ref)) !== undefined,
      blobCount: async () => (await log.jsm.streams.info(`BLOBS_${shard}`)).state.messages,
    };
  };
  const isOnDisk = (name: string) => filesIn(nats.dataDir).some((file) => bytesOf(file).includes(`[${name}]`));
  return { node, isOnDisk };
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());

/** A file's bytes; none if the server has just put another in its place. */
function bytesOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}
