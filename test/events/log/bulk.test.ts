import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nkeys } from 'nats';
import type { EventLog } from '../../../events/log/log.js';
import { towerStream } from '../../../events/log/streams.js';
import { appendAll, shard, startTestLog, userCommit } from '../../support/log.js';
import { startNatsProxy } from '../../support/nats-proxy.js';
import type { Cleanup } from '../../support/temp-dir.js';
import { until } from '../../support/until.js';

const stream = towerStream(shard);
const COUNT = 300;
const commits = Array.from({ length: COUNT }, (_, n) => userCommit(`user ${n}`));
const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1);

/** A log of 300 commits, to which a test may have a disturbed line. */
async function startLongLog(t: Cleanup) {
  const { nats, log, open } = await startTestLog(t);
  await appendAll(log, commits);
  return { log, open, seed: nats.nodeSeed, line: await startNatsProxy(t, nats.port) };
}

/** Follows the stream; resolves when it is level with it, with the positions in the order in which they came. */
async function followed(t: Cleanup, log: EventLog, { at = (_: number) => {} } = {}): Promise<number[]> {
  const positions: number[] = [];
  const ids: string[] = [];
  const follower = log.follow(stream, shard, {
    after: 0,
    onCommit: ({ id, position }) => {
      positions.push(position);
      ids.push(id);
      at(position);
    },
    onFailure: assert.fail,
  });
  t.after(() => follower.stop());
  await until('all has come', () => positions.length >= COUNT);
  assert.deepEqual(
    ids,
    commits.map(({ id }) => id),
  );
  return positions;
}

describe('a long log', () => {
  test('comes over a connection of its own, and what is new then by the client', async (t) => {
    const { log, open, seed } = await startLongLog(t);
    const reading = await open(undefined, { seed, from: COUNT });
    const positions = await followed(t, reading);
    assert.ok(reading.nc.stats().inMsgs < 50, 'the client itself had next to nothing to do with it');
    await until('the client has taken over', async () => (await log.jsm.consumers.list(stream).next()).length > 0);
    await appendAll(log, ['ann', 'bob'].map(userCommit));
    await until('two more', () => positions.length === COUNT + 2);
    assert.deepEqual(positions, upTo(COUNT + 2));
  });

  test('that is not long enough comes by the client', async (t) => {
    const { open, seed } = await startLongLog(t);
    const reading = await open(undefined, { seed, from: COUNT + 1 });
    assert.deepEqual(await followed(t, reading), upTo(COUNT));
    assert.ok(reading.nc.stats().inMsgs >= COUNT);
  });

  test('comes by the client if the server does not take that connection', async (t) => {
    const { open } = await startLongLog(t);
    const stranger = new TextDecoder().decode(nkeys.createUser().getSeed());
    const reading = await open(undefined, { seed: stranger, from: 1 });
    assert.deepEqual(await followed(t, reading), upTo(COUNT));
    assert.ok(reading.nc.stats().inMsgs >= COUNT);
  });

  test('comes whole also if the connections break meanwhile', async (t) => {
    const { open, seed, line } = await startLongLog(t);
    const reading = await open(line.url, { seed, from: 1 });
    const at = (position: number) => {
      if (position === 100) line.cut();
    };
    assert.deepEqual(await followed(t, reading, { at }), upTo(COUNT));
  });

  test('comes whole also if a message of it is lost on its way', async (t) => {
    const { open, seed, line } = await startLongLog(t);
    const reading = await open(line.url, { seed, from: 1 });
    const losing = line.lose(new RegExp(`"${commits[150]?.id}"`));
    const at = (position: number) => {
      if (position === 150) losing.stop();
    };
    assert.deepEqual(await followed(t, reading, { at }), upTo(COUNT));
  });
});
