import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { trackerAggregate, userAggregate } from '../../events/aggregate.js';
import { newCommit, type ShardCommit } from '../../events/commit.js';
import type { EventLog } from '../../events/log/log.js';
import { towerStream } from '../../events/log/streams.js';
import { Fold } from '../../projections/fold.js';
import { ShardState } from '../../projections/shard-state.js';
import { accepted, breached, ended, penaltyBroadcast, registered } from '../fixtures/histories.js';
import { appointmentId, userId } from '../fixtures/ids.js';
import { appendAll, type NewCommit, shard, startTestLog, userCommit } from '../support/log.js';
import type { Cleanup } from '../support/temp-dir.js';
import { until } from '../support/until.js';

const stream = towerStream(shard);

function foldOf(t: Cleanup, log: EventLog, onFailure: (error: Error) => void = assert.fail) {
  const fold = new Fold<ShardCommit, ShardState>(log, stream, shard, new ShardState(), onFailure);
  t.after(() => fold.stop());
  return fold;
}

describe('a fold', () => {
  test('replays what was there, then follows; whoever hears of a commit finds it in the state', async (t) => {
    const { log } = await startTestLog(t);
    await appendAll(log, ['ann', 'bob', 'cid'].map(userCommit));
    const fold = foldOf(t, log);
    const heard: number[] = [];
    fold.on('folded', ({ position }) => {
      assert.equal(fold.state.position, position);
      heard.push(position);
    });
    assert.equal(await fold.level(), 3);
    assert.equal(fold.state.counts.users, 3);
    const next = fold.next();
    await appendAll(log, ['dot', 'eve'].map(userCommit));
    await next;
    assert.equal(await fold.level(), 5);
    assert.deepEqual(heard, [1, 2, 3, 4, 5]);
    assert.equal(await fold.level(), 5, 'level again without anything new');
  });

  test('is level with an empty stream at once', async (t) => {
    const { log } = await startTestLog(t);
    assert.equal(await foldOf(t, log).level(), 0);
  });

  test('tells each who waits for a position when it is there', async (t) => {
    const { log } = await startTestLog(t);
    const fold = foldOf(t, log);
    const arrived: number[] = [];
    const waits = [3, 1, 2, 1].map((position) => fold.reached(position).then(() => arrived.push(position)));
    await appendAll(log, [userCommit('ann')]);
    await until('the first two', () => arrived.length === 2);
    assert.deepEqual(arrived, [1, 1]);
    await appendAll(log, ['bob', 'cid'].map(userCommit));
    await Promise.all(waits);
    assert.deepEqual(arrived, [1, 1, 2, 3]);
    await fold.reached(2);
  });

  test('waits while the server is away, says so, and is level when it is back', async (t) => {
    const { nats, log } = await startTestLog(t);
    await appendAll(log, ['ann', 'bob'].map(userCommit));
    const fold = foldOf(t, log);
    const why: Error[] = [];
    fold.on('waiting', (error) => why.push(error));
    await nats.kill();
    const level = fold.level();
    await until('it says that it waits', () => why.length > 0);
    await nats.restart();
    assert.equal(await level, 2);
    await appendAll(log, [userCommit('cid')]);
    assert.equal(await fold.level(), 3);
  });

  test('that is stopped tells whoever waits, and takes nothing in any more', async (t) => {
    const { log } = await startTestLog(t);
    const fold = foldOf(t, log);
    await appendAll(log, [userCommit('ann')]);
    await fold.level();
    const waits = [fold.reached(2), fold.next()];
    fold.stop();
    fold.stop();
    const [reached, next] = await Promise.allSettled(waits);
    assert(reached?.status === 'rejected' && next?.status === 'rejected');
    assert.equal(reached.reason.code, 'fold-stopped');
    assert.equal(next.reason.name, 'AbortError');
    await fold.reached(1);
    await assert.rejects(fold.reached(2), { code: 'fold-stopped' });
    await appendAll(log, [userCommit('bob')]);
    await assert.rejects(fold.level(), { code: 'fold-stopped' });
    assert.equal(fold.state.position, 1);
  });

  test('that is stopped while the server is away does not wait for it', async (t) => {
    const { nats, log } = await startTestLog(t);
    const fold = foldOf(t, log);
    await fold.level();
    await nats.kill();
    const level = fold.level();
    fold.stop();
    await assert.rejects(level);
  });

  test('stays before a message that it cannot fold, and tells once why', async (t) => {
    const { log } = await startTestLog(t);
    const failures: Error[] = [];
    const fold = foldOf(t, log, (error) => failures.push(error));
    await appendAll(log, [userCommit('ann')]);
    await fold.level();
    const reached = fold.reached(3);
    await log.nc.jetstream().publish(`argus.0.user.${userId('bob')}`, 'not a commit');
    await assert.rejects(reached, { code: 'damaged-commit' });
    await appendAll(log, [userCommit('cid')]);
    await assert.rejects(fold.level(), { code: 'damaged-commit' });
    assert.deepEqual([fold.state.position, failures.length], [1, 1]);
  });
});

test('the same history folded at once, later, and by several, is the same to the byte', async (t) => {
  const { log } = await startTestLog(t);
  const [early, other] = [foldOf(t, log), foldOf(t, log)];
  for (const { commit, after } of history()) await log.append(commit, { shard, expected: after, patience: 10_000 });
  const late = foldOf(t, log);
  for (const fold of [early, other, late]) await fold.level();
  const states = [early, other, late].map(({ state }) => JSON.stringify(state));
  assert.equal(new Set(states).size, 1);
  assert.match(states[0] ?? '', /"stage":"broadcast"/);
});

test('whoever listens hears of whole commits, also of those that are folded from less', async (t) => {
  const { log } = await startTestLog(t);
  const fold = foldOf(t, log);
  const heard: object[] = [];
  fold.on('folded', (commit) => heard.push(commit));
  const commits = history();
  for (const { commit, after } of commits) await log.append(commit, { shard, expected: after, patience: 10_000 });
  await fold.level();
  assert.deepEqual(
    heard,
    commits.map(({ commit }, n) => ({ ...commit, position: n + 1 })),
  );
});

/** Commits and the position that each is to follow. */
function history(): { commit: NewCommit; after: number }[] {
  const [alice, bob] = [userAggregate(userId('alice')), userAggregate(userId('bob'))];
  const tracker = trackerAggregate(appointmentId('channel'));
  const commit = (aggregate: typeof alice, ...events: object[]) =>
    newCommit(aggregate, events, 'test', Date.now()) as NewCommit;
  return [
    { commit: commit(alice, registered()), after: 0 },
    { commit: commit(bob, registered({ dialect: 'python' })), after: 0 },
    { commit: commit(alice, accepted('channel'), accepted('another')), after: 1 },
    { commit: commit(tracker, breached()), after: 0 },
    { commit: commit(bob, accepted('theirs')), after: 2 },
    { commit: commit(tracker, penaltyBroadcast()), after: 4 },
    { commit: commit(alice, ended('another', 'expired')), after: 3 },
  ];
}
