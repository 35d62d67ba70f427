import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { BlobStore } from '../../../events/log/blobs.js';
import { ensureStreams } from '../../../events/log/ensure-streams.js';
import { LogUnavailableError } from '../../../events/log/errors.js';
import { EventLog } from '../../../events/log/log.js';
import { towerStream } from '../../../events/log/streams.js';
import { userId } from '../../fixtures/ids.js';
import { isWhole, leaderOf } from '../../stage/nats-servers.js';
import { layout, shard, userCommit } from '../../support/log.js';
import { startTestCluster } from '../../support/nats-cluster.js';
import { until } from '../../support/until.js';

test('what an answer to a breach needs is read from any server that has it, also while no other is there', async (t) => {
  const { log, commit, blobs, blob, ref, servers, leader } = await start(t);
  const [survivor = assert.fail()] = servers.filter(({ name }) => name !== leader);
  await survivor.alone();
  // For a moment it may take no questions at all: those who have to know ask again.
  const found = await until('the commit', () => log.at(1, shard).catch(() => undefined));
  assert.deepEqual(found, { ...commit, position: 1 });
  assert.deepEqual(await until('the blob', () => blobs.get(shard, ref).catch(() => undefined)), blob);
  const next = log.append(userCommit('bob'), { shard, expected: 0, patience: 3_000 });
  await assert.rejects(next, LogUnavailableError);
});

test('a leader that lost the others does not know what they have accepted since: no news is not damage', async (t) => {
  const { log, servers, leader } = await start(t);
  await servers.find(({ name }) => name === leader)?.alone();
  assert.equal(await log.tail(towerStream(shard)), 1);
  await assert.rejects(log.at(2, shard), LogUnavailableError);
});

/** A log with three copies, a commit and a blob on each, and a client that goes from one server to another as they end. */
async function start(t: TestContext) {
  const cluster = await startTestCluster(t);
  const nc = await cluster.connect();
  await until('the streams', () => ensureStreams(nc, { ...layout, replicas: 3 }).catch(() => undefined));
  const log = await EventLog.open(nc);
  const blobs = new BlobStore(log);
  const commit = userCommit('ann');
  await log.append(commit, { shard, expected: 0, patience: 10_000 });
  const blob = new Uint8Array([1, 2, 3]);
  const ref = await until('a blob', () => blobs.put(shard, userId('ann'), blob).catch(() => undefined));
  await until('all copies', () => isWhole(nc).catch(() => false));
  const leader = await leaderOf(nc, towerStream(shard));
  const servers = cluster.servers.map((server, i) => ({
    name: `n${i}`,
    /** Resolves when it is the only one that runs, and the client's. */
    alone: async () => {
      for (const other of cluster.servers) if (other !== server) await other.kill();
      await until('its client is there', () => nc.getServer() === new URL(server.url).host);
    },
  }));
  return { log, commit, blobs, blob, ref, servers, leader };
}
