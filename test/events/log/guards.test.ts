import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { DiscardPolicy } from 'nats';
import { scanAggregate } from '../../../events/aggregate.js';
import { UnknownEventError } from '../../../events/codec.js';
import { DamagedCommitError, encodeCommit } from '../../../events/commit.js';
import { type Shard, UserId } from '../../../events/ids.js';
import { BlobDamagedError, BlobStore } from '../../../events/log/blobs.js';
import { compareVersions, connectLog, UnfitServerError } from '../../../events/log/connection.js';
import { ensureStreams } from '../../../events/log/ensure-streams.js';
import { LogDamagedError, LogUnavailableError } from '../../../events/log/errors.js';
import { EventLog } from '../../../events/log/log.js';
import { StreamDriftError } from '../../../events/log/stream-drift.js';
import { TxidStore } from '../../../events/log/txids.js';
import { scanCommit } from '../../contract/log.js';
import { startTestNats } from '../../support/nats.js';
import type { Cleanup } from '../../support/temp-dir.js';

const layout = { network: 'regtest', towerId: `02${'11'.repeat(32)}`, shards: 1, replicas: 1 };
const shard = 0 as Shard;

async function start(t: Cleanup, bulkFrom = Number.POSITIVE_INFINITY) {
  const nats = await startTestNats(t);
  const nc = await nats.connect('node');
  const log = await EventLog.open(nc, { seed: nats.nodeSeed, from: bulkFrom });
  return { nats, nc, log, jsm: log.jsm };
}

describe('the streams', () => {
  test('are made once, and read back the same', async (t) => {
    const { nc, jsm } = await start(t);
    await ensureStreams(nc, { ...layout, shards: 2 });
    await ensureStreams(nc, { ...layout, shards: 2 });
    const names = (await jsm.streams.names().next()).sort();
    assert.deepEqual(names, [
      'BLOBS_0',
      'BLOBS_1',
      'CHAIN',
      'CHECKPOINTS',
      'OBJ_SNAPSHOTS',
      'POLICY',
      'TOWER_0',
      'TOWER_1',
      'TXIDS',
    ]);
    await assert.rejects(jsm.streams.purge('TOWER_0'), /purge/i);
    await nc.jetstream().publish('argus.chain', 'x');
    await assert.rejects(jsm.streams.deleteMessage('CHAIN', 1), /delete/i);
  });

  test('of another network, tower or number of shards are refused, each difference named', async (t) => {
    const { nc } = await start(t);
    await ensureStreams(nc, layout);
    const other = { network: 'signet', towerId: `03${'22'.repeat(32)}`, shards: 3, replicas: 1 };
    await assert.rejects(ensureStreams(nc, other), (error) => {
      assert.ok(error instanceof StreamDriftError);
      assert.deepEqual(error.differences, [
        'CHAIN: argus.network is regtest, not signet',
        'CHAIN: argus.shards is 1, not 3',
        `CHAIN: argus.tower is ${layout.towerId}, not ${other.towerId}: this node has another tower's key; argus key import gives it that of the log's`,
      ]);
      return true;
    });
  });

  test('that were made otherwise are reported and left as they are', async (t) => {
    const { nc, jsm } = await start(t);
    const subjects = ['argus.0.user.*', 'argus.0.tracker.*', 'argus.0.scan'];
    await jsm.streams.add({ name: 'TOWER_0', subjects, discard: DiscardPolicy.Old, max_msgs: 1000 });
    await assert.rejects(ensureStreams(nc, layout), (error) => {
      assert.ok(error instanceof StreamDriftError);
      assert.ok(error.differences.includes('TOWER_0: deny_delete is false, not true'), error.message);
      assert.ok(error.differences.includes('TOWER_0: discard is "old", not "new"'), error.message);
      return true;
    });
    assert.equal((await jsm.streams.info('TOWER_0')).config.max_msgs, 1000);
  });
});

function followingGuards(bulkFrom?: number): void {
  const failureOf = async (t: Cleanup, log: EventLog): Promise<Error> => {
    const failure = await new Promise<Error>((resolve) => {
      const follower = log.follow('TOWER_0', shard, { after: 0, onCommit: () => {}, onFailure: resolve });
      t.after(() => follower.stop());
    });
    return failure;
  };
  const subject = 'argus.0.scan';
  const stream = { name: 'TOWER_0', subjects: ['argus.0.>'] };

  test('at a message that is missing in the middle, which is not taken for one that is to come', async (t) => {
    const { log, jsm, nc } = await start(t, bulkFrom);
    await jsm.streams.add(stream);
    for (let i = 0; i < 5; i++) await nc.jetstream().publish(subject, encodeCommit(scanCommit()));
    await jsm.streams.deleteMessage('TOWER_0', 3);
    const failure = await failureOf(t, log);
    assert.ok(failure instanceof LogDamagedError);
    assert.equal(failure.message, 'TOWER_0 has no message 3: it goes on at 4');
    await assert.rejects(log.at(3, shard), LogDamagedError);
    await assert.rejects(log.at(6, shard), LogUnavailableError);
  });

  test('at a message that is no commit, or stands on another aggregate’s subject', async (t) => {
    const { log, jsm, nc } = await start(t, bulkFrom);
    await jsm.streams.add(stream);
    await nc.jetstream().publish(subject, '{"id":"x"}');
    const failure = await failureOf(t, log);
    assert.ok(failure instanceof DamagedCommitError);
    assert.equal(failure.message, 'message 1 of TOWER_0, on argus.0.scan, is damaged: not a commit');
    await jsm.streams.purge('TOWER_0');
    const strayed = `argus.0.user.${UserId.parse(`02${'ab'.repeat(32)}`)}`;
    await jsm.streams.delete('TOWER_0');
    await jsm.streams.add(stream);
    await nc.jetstream().publish(strayed, encodeCommit(scanCommit()));
    assert.ok((await failureOf(t, log)) instanceof LogDamagedError);
  });

  test('at an event of a newer version', async (t) => {
    const { log, jsm, nc } = await start(t, bulkFrom);
    await jsm.streams.add(stream);
    const newer = new TextDecoder().decode(encodeCommit(scanCommit())).replace('"v":1', '"v":2');
    await nc.jetstream().publish(subject, newer);
    const failure = await failureOf(t, log);
    assert.ok(failure instanceof UnknownEventError);
    assert.equal(
      failure.message,
      'message 1 of TOWER_0, on argus.0.scan, holds BlockScanned version 2, which this version of argus does not know; upgrade this node',
    );
    await assert.rejects(log.last(scanAggregate, shard), UnknownEventError);
  });
}

describe('following stops and says so', () => followingGuards());
describe('reading in bulk stops and says so', () => followingGuards(1));

test('a consumer that is deleted behind our back is made anew, without gap or repeat', async (t) => {
  const { log, nc, jsm } = await start(t);
  await ensureStreams(nc, layout);
  const positions: number[] = [];
  const follower = log.follow('TOWER_0', shard, {
    after: 0,
    onCommit: ({ position }) => positions.push(position),
    onFailure: assert.fail,
  });
  t.after(() => follower.stop());
  for (let expected = 0; expected < 30; expected++) {
    await log.append(scanCommit(), { shard, expected, patience: 5_000 });
    if (expected % 10 === 5)
      for (const { name } of await jsm.consumers.list('TOWER_0').next()) await jsm.consumers.delete('TOWER_0', name);
  }
  for (const end = Date.now() + 20_000; positions.length < 30 && Date.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(
    positions,
    Array.from({ length: 30 }, (_, i) => i + 1),
  );
});

describe('the server', () => {
  test('is refused when it is too old', async (t) => {
    // The only stand-in here: no such server can be had any more. It says who it is, as the first line of NATS does.
    const old = createServer((socket) => {
      socket.write(
        'INFO {"server_id":"x","server_name":"old","version":"2.9.25","proto":1,"headers":true,"max_payload":1048576}\r\n',
      );
      socket.on('data', (bytes) => bytes.includes('PING') && socket.write('PONG\r\n'));
      socket.on('error', () => {});
    });
    t.after(() => old.close());
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
    const address = old.address();
    assert(typeof address === 'object' && address);
    const connecting = connectLog({ servers: `127.0.0.1:${address.port}`, name: 'test' });
    await assert.rejects(connecting, (error) => {
      assert.ok(error instanceof UnfitServerError);
      assert.equal(error.message, 'nats-server 2.9.25 is too old: 2.12.0 or newer is needed');
      return true;
    });
  });

  test('has a version that is compared number by number', () => {
    assert.ok(compareVersions('2.9.25', '2.12.0') < 0);
    assert.ok(compareVersions('2.12.0', '2.12.0') === 0);
    assert.ok(compareVersions('2.12.1-beta.1', '2.12.0') > 0);
    assert.ok(compareVersions('v3.0.0', '2.99.99') > 0);
    assert.ok(compareVersions('nonsense', '2.12.0') < 0);
  });
});

test('a blob is stored, read, erased, and recognised when it was altered', async (t) => {
  const { log, nc } = await start(t);
  await ensureStreams(nc, layout);
  const blobs = new BlobStore(log);
  const user = UserId.parse(`02${'ab'.repeat(32)}`);
  const bytes = new Uint8Array(65_536).fill(3);
  const ref = await blobs.put(shard, user, bytes);
  assert.deepEqual({ position: ref.position, size: ref.size }, { position: 1, size: 65_536 });
  assert.deepEqual(await blobs.get(shard, ref), bytes);
  await assert.rejects(blobs.get(shard, { ...ref, sha256: '00'.repeat(32) }), BlobDamagedError);
  await blobs.erase(shard, ref.position);
  await blobs.erase(shard, ref.position);
  assert.equal(await blobs.get(shard, ref), undefined);
});

test('the txids of a block are published twice without harm, and missing where they never were', async (t) => {
  const { log, nc } = await start(t);
  await ensureStreams(nc, layout);
  const txids = new TxidStore(log);
  const hash = 'ee'.repeat(32) as Parameters<TxidStore['get']>[0];
  assert.equal(await txids.get(hash), undefined);
  const bytes = new Uint8Array(32 * 4000).fill(9);
  await txids.put(hash, bytes);
  await txids.put(hash, bytes);
  assert.deepEqual(await txids.get(hash), bytes);
  assert.equal((await log.jsm.streams.info('TXIDS')).state.messages, 1);
});
