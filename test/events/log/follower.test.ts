import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Recorded } from '../../../events/commit.js';
import type { EventLog } from '../../../events/log/log.js';
import { CHAIN, towerStream } from '../../../events/log/streams.js';
import { appendAll, shard, startTestLog, userCommit } from '../../support/log.js';
import { startNatsProxy } from '../../support/nats-proxy.js';
import type { Cleanup } from '../../support/temp-dir.js';
import { until } from '../../support/until.js';

const stream = towerStream(shard);

/** Follows the shard's stream, and remembers what came. */
function follow(t: Cleanup, log: EventLog, after = 0) {
  const commits: Recorded[] = [];
  const failures: Error[] = [];
  const follower = log.follow(stream, shard, {
    after,
    onCommit: (commit) => commits.push(commit),
    onFailure: (error) => failures.push(error),
  });
  t.after(() => follower.stop());
  const has = (count: number) =>
    until(`${count} commits`, () => {
      assert.deepEqual(failures, []);
      return commits.length >= count;
    });
  return { commits, failures, has, positions: () => commits.map(({ position }) => position) };
}

/** Resolves when the stream has a consumer: when it is followed. */
const untilFollowed = (log: EventLog) =>
  until('a consumer', async () => (await log.jsm.streams.info(stream)).state.consumer_count > 0);

const names = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => `user ${from + n}`);

describe('a message that is lost on its way', () => {
  test('with the connection is sent again, though no other comes after it', async (t) => {
    const { nats, log, open } = await startTestLog(t);
    const line = await startNatsProxy(t, nats.port);
    const following = follow(t, await open(line.url));
    await appendAll(log, names(1, 3).map(userCommit));
    await following.has(3);
    line.swallow();
    await appendAll(log, [userCommit('user 4')]);
    line.cut();
    await following.has(4);
    assert.deepEqual(following.positions(), [1, 2, 3, 4]);
  });

  // As between the servers of a cluster, whose own connections break without a client being told.
  test('alone is sent again, though no other comes after it', async (t) => {
    const { nats, log, open } = await startTestLog(t);
    const line = await startNatsProxy(t, nats.port);
    const following = follow(t, await open(line.url));
    await appendAll(log, names(1, 3).map(userCommit));
    await following.has(3);
    const held = line.holdDeliveries();
    await appendAll(log, [userCommit('user 4')]);
    await until('it is on its way', () => held.count() > 0);
    held.lose();
    await following.has(4);
    assert.deepEqual(following.positions(), [1, 2, 3, 4]);
  });

  test('alone is not taken for damage of the log, though it was the first', async (t) => {
    const { nats, log, open } = await startTestLog(t);
    const line = await startNatsProxy(t, nats.port);
    await appendAll(log, [userCommit('user 1')]);
    const following = follow(t, await open(line.url), 1);
    await untilFollowed(log);
    const held = line.holdDeliveries();
    await appendAll(log, [userCommit('user 2')]);
    await until('it is on its way', () => held.count() > 0);
    held.lose();
    await appendAll(log, [userCommit('user 3')]);
    await following.has(2);
    assert.deepEqual(following.positions(), [2, 3]);
  });
});

test('a stream is followed by as many as like to, each from where it likes', async (t) => {
  const { log } = await startTestLog(t);
  await appendAll(log, names(1, 50).map(userCommit));
  const followers = [0, 10, 49, 50].map((after) => ({ after, ...follow(t, log, after) }));
  await appendAll(log, names(51, 60).map(userCommit));
  for (const { after, has, positions } of followers) {
    await has(60 - after);
    assert.deepEqual(
      positions(),
      Array.from({ length: 60 - after }, (_, n) => after + 1 + n),
    );
  }
});

test('a follower that is stopped hears no more', async (t) => {
  const { log } = await startTestLog(t);
  const first: number[] = [];
  const follower = log.follow(CHAIN, shard, { after: 0, onCommit: () => first.push(1), onFailure: assert.fail });
  follower.stop();
  const second = follow(t, log);
  await appendAll(log, names(1, 2).map(userCommit));
  await second.has(2);
  assert.deepEqual(first, []);
});
