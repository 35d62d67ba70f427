import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AcceptanceReader } from '../../../events/acceptance.js';
import { aggregateSubject } from '../../../events/aggregate.js';
import { encodeCommit, type Recorded } from '../../../events/commit.js';
import { CommitFeed } from '../../../events/log/commit-feed.js';
import { LogDamagedError } from '../../../events/log/errors.js';
import { record } from '../../../events/log/log-reader.js';
import { towerStream } from '../../../events/log/streams.js';
import { appendAll, shard, startTestLog, userCommit } from '../../support/log.js';
import { until } from '../../support/until.js';

const stream = towerStream(shard);
const commits = ['alice', 'bob', 'carol', 'dave'].map((name) => userCommit(name));
const [alice, bob, carol, dave] = commits as [Commit, Commit, Commit, Commit];
type Commit = ReturnType<typeof userCommit>;

/** A feed, what it gave, and its ways in. */
function feed({ fails = () => false }: { fails?: (commit: Recorded) => boolean } = {}) {
  const given: string[] = [];
  const bytes = new Map(commits.map((commit) => [commit.id, encodeCommit(commit)]));
  const onCommit = (commit: Recorded) => {
    if (fails(commit)) throw new Error('it does not fit');
    given.push(`${commit.position} ${commit.id}`);
  };
  const one = new CommitFeed({
    stream,
    after: 0,
    reader: new AcceptanceReader(shard),
    record: ({ data, subject, position }) => record(data, subject, position, shard),
    onCommit,
  });
  const dataOf = (commit: Commit) => bytes.get(commit.id) ?? assert.fail();
  return {
    given,
    comes: (commit: Commit, position: number) =>
      one.message({ subject: aggregateSubject(commit.aggregate, shard), data: dataOf(commit), position }),
    isAcked: (commit: Commit, position: number) => one.acked(commit, dataOf(commit), position),
  };
}

describe('a commit of this process', () => {
  test('is given at its ack, and not again when the stream brings it', () => {
    const { given, comes, isAcked } = feed();
    comes(alice, 1);
    isAcked(bob, 2);
    isAcked(carol, 3);
    assert.deepEqual(given, [`1 ${alice.id}`, `2 ${bob.id}`, `3 ${carol.id}`]);
    comes(bob, 2);
    comes(carol, 3);
    comes(dave, 4);
    assert.deepEqual(given.slice(3), [`4 ${dave.id}`]);
  });

  test('waits for those before it', () => {
    const { given, comes, isAcked } = feed();
    isAcked(bob, 2);
    assert.deepEqual(given, []);
    comes(alice, 1);
    comes(bob, 2);
    isAcked(bob, 2);
    assert.deepEqual(given, [`1 ${alice.id}`, `2 ${bob.id}`]);
  });

  test('that the stream has another one for is damage', () => {
    const { comes, isAcked } = feed();
    isAcked(alice, 1);
    assert.throws(() => comes(bob, 1), LogDamagedError);
  });

  test('that is thrown at is thrown at again when the stream brings it, where somebody is told', () => {
    const { given, comes, isAcked } = feed({ fails: ({ id }) => id === bob.id });
    isAcked(alice, 1);
    isAcked(bob, 2);
    isAcked(carol, 3);
    comes(alice, 1);
    assert.throws(() => comes(bob, 2), /does not fit/);
    assert.deepEqual(given, [`1 ${alice.id}`]);
  });

  test('of a real log is known as soon as it is appended, once, also to who follows on another connection', async (t) => {
    const { log, open } = await startTestLog(t);
    const seen: Recorded[][] = [[], []];
    const logs = [log, await open()];
    for (const [i, one] of logs.entries()) {
      const onCommit = (commit: Recorded) => void seen[i]?.push(commit);
      const following = one.follow(stream, shard, { after: 0, onCommit, onFailure: assert.fail });
      t.after(() => following.stop());
    }
    for (const commit of commits) {
      await appendAll(log, [commit]);
      assert.equal(seen[0]?.at(-1)?.id, commit.id);
    }
    await until('the other has seen them', async () => seen[1]?.length === commits.length);
    await sleep(50); // whatever comes twice would have come
    const all = commits.map((commit, i) => ({ ...commit, position: i + 1 }));
    assert.deepEqual(seen, [all, all]);
  });
});
