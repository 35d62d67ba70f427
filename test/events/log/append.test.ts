import assert from 'node:assert/strict';
import { test } from 'node:test';
import { userAggregate } from '../../../events/aggregate.js';
import { LogUnavailableError } from '../../../events/log/errors.js';
import { towerStream } from '../../../events/log/streams.js';
import { userId } from '../../fixtures/ids.js';
import { shard, startTestLog, userCommit } from '../../support/log.js';
import { startNatsProxy } from '../../support/nats-proxy.js';
import { until } from '../../support/until.js';

const alice = userAggregate(userId('alice'));
const patience = 20_000;

test('an append whose ack is lost is known again though another commit stands on it by now', async (t) => {
  const { nats, log, open } = await startTestLog(t);
  const line = await startNatsProxy(t, nats.port);
  const far = await open(line.url);
  const [ours, theirs] = [userCommit('alice'), userCommit('alice')];
  line.swallow();
  const appended = far.append(ours, { shard, expected: 0, patience });
  await until('ours is stored', async () => (await log.tail(towerStream(shard))) === 1);
  assert.deepEqual(await log.append(theirs, { shard, expected: 1, patience }), { kind: 'appended', position: 2 });
  line.cut();
  assert.deepEqual(await appended, { kind: 'appended', position: 1 });
  assert.deepEqual(
    (await log.load(alice, shard)).map(({ id }) => id),
    [ours.id, theirs.id],
  );
});

test('a conflict says where the last commit of the aggregate is, however many there are', async (t) => {
  const { log } = await startTestLog(t);
  for (const [expected, name] of ['alice', 'bob', 'alice', 'alice', 'bob'].entries()) {
    const before = await log.last(userAggregate(userId(name)), shard);
    const appended = await log.append(userCommit(name), { shard, expected: before?.position ?? 0, patience });
    assert.deepEqual(appended, { kind: 'appended', position: expected + 1 });
  }
  for (const expected of [0, 1, 3])
    assert.deepEqual(await log.append(userCommit('alice'), { shard, expected, patience }), {
      kind: 'conflict',
      position: 4,
    });
  assert.equal(await log.tail(towerStream(shard)), 5);
});

test('an append that waits is ended from outside', async (t) => {
  const { nats, log } = await startTestLog(t);
  await nats.kill();
  const stop = new AbortController();
  const patience = Number.POSITIVE_INFINITY;
  const appended = log.append(userCommit('alice'), { shard, expected: 0, patience, signal: stop.signal });
  stop.abort();
  await assert.rejects(appended, { name: 'AbortError' });
});

test('a stream that is not there is an outage, not a conflict', async (t) => {
  const { log } = await startTestLog(t);
  await log.jsm.streams.delete(towerStream(shard));
  const appended = log.append(userCommit('alice'), { shard, expected: 0, patience: 200 });
  await assert.rejects(appended, LogUnavailableError);
});

test('a stream that is full refuses who cannot wait, and is waited for by who can', async (t) => {
  const { log } = await startTestLog(t);
  const stream = towerStream(shard);
  await log.append(userCommit('alice'), { shard, expected: 0, patience });
  const { config, state } = await log.jsm.streams.info(stream);
  await log.jsm.streams.update(stream, { ...config, max_bytes: state.bytes });
  const asked = Date.now();
  await assert.rejects(log.append(userCommit('bob'), { shard, expected: 0, patience }), LogUnavailableError);
  assert.ok(Date.now() - asked < patience, 'at once');

  let isOver = false;
  const waiting = log.append(userCommit('bob'), { shard, expected: 0, patience: Number.POSITIVE_INFINITY });
  void waiting.then(() => (isOver = true));
  await assert.rejects(log.append(userCommit('carol'), { shard, expected: 0, patience }), LogUnavailableError);
  assert.equal(isOver, false);
  await log.jsm.streams.update(stream, { ...config, max_bytes: -1 });
  assert.deepEqual(await waiting, { kind: 'appended', position: 2 });
});
