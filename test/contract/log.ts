import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scanAggregate, userAggregate } from '../../events/aggregate.js';
import { type Commit, newCommit, type Recorded } from '../../events/commit.js';
import { type Shard, UserId } from '../../events/ids.js';
import type { CommitLog } from '../../events/log/commit-log.js';
import { LogUnavailableError } from '../../events/log/errors.js';
import type { Cleanup } from '../support/temp-dir.js';

/** A log on trial, and what may be done to the server behind it. */
export interface LogOnTrial {
  readonly log: CommitLog;
  /** The stream that the commits of `shard` go to. */
  readonly stream: string;
  /** From now on acks are lost: what is sent arrives, the answer does not. Undone by the function that it gives. */
  loseAcks(): Promise<() => Promise<void>>;
  /** The server is killed, and comes back only when the function that it gives is called. */
  outage(): Promise<() => Promise<void>>;
}

const shard = 0 as Shard;
const user = userAggregate(UserId.parse(`02${'ab'.repeat(32)}`));
const PATIENCE = 15_000;

let height = 100;
/** A commit of the shard's scan, the smallest there is. */
export const scanCommit = (): Omit<Commit, 'position'> =>
  newCommit(
    scanAggregate,
    [{ type: 'BlockScanned', height: height++, hash: 'cd'.repeat(32), chainPosition: 1 }],
    'contract',
    Date.now(),
  ) as Omit<Commit, 'position'>;

const outdated = (): Omit<Commit, 'position'> =>
  newCommit(user, [{ type: 'SubscriptionOutdated', height: 7 }], 'contract', Date.now()) as Omit<Commit, 'position'>;

/** The first commits of so many users. */
const ofUsers = (count: number): Omit<Commit, 'position'>[] =>
  Array.from({ length: count }, (_, i) => {
    const id = UserId.parse(`02${(i + 1).toString(16).padStart(64, '0')}`);
    const outdated = { type: 'SubscriptionOutdated', height: 7 };
    return newCommit(userAggregate(id), [outdated], 'contract', Date.now()) as Omit<Commit, 'position'>;
  });

/** What every log has to do, whatever it is made of. */
export function logContract(start: (t: Cleanup) => Promise<LogOnTrial>): void {
  const append = (log: CommitLog, commit: Omit<Commit, 'position'>, expected: number, patience = PATIENCE) =>
    log.append(commit, { shard, expected, patience });

  test('a commit is appended where its aggregate is what was expected, and read back as it was', async (t) => {
    const { log } = await start(t);
    const [first, other, second] = [scanCommit(), outdated(), scanCommit()];
    assert.deepEqual(await append(log, first, 0), { kind: 'appended', position: 1 });
    assert.deepEqual(await append(log, other, 0), { kind: 'appended', position: 2 });
    assert.deepEqual(await append(log, second, 1), { kind: 'appended', position: 3 });
    assert.deepEqual(await log.load(scanAggregate, shard), [
      { ...first, position: 1 },
      { ...second, position: 3 },
    ]);
    assert.deepEqual(await log.last(user, shard), { ...other, position: 2 });
    assert.deepEqual(await log.load(userAggregate(UserId.parse(`03${'ab'.repeat(32)}`)), shard), []);
  });

  test('a commit that expects what no longer holds is a conflict, which says where the other one is', async (t) => {
    const { log } = await start(t);
    await append(log, scanCommit(), 0);
    assert.deepEqual(await append(log, scanCommit(), 0), { kind: 'conflict', position: 1 });
    await append(log, scanCommit(), 1);
    assert.deepEqual(await append(log, scanCommit(), 1), { kind: 'conflict', position: 2 });
    assert.equal((await log.load(scanAggregate, shard)).length, 2);
  });

  test('a commit is read at its position; that there is none yet is no damage', async (t) => {
    const { log, outage } = await start(t);
    const [first, second] = [scanCommit(), outdated()];
    await append(log, first, 0);
    await append(log, second, 0);
    assert.deepEqual(await log.at(2, shard), { ...second, position: 2 });
    assert.deepEqual(await log.at(1, shard), { ...first, position: 1 });
    await assert.rejects(log.at(3, shard), LogUnavailableError);
    const restore = await outage();
    const asked = log.at(2, shard).catch((error: unknown) => error);
    await restore();
    // A log that is away says so, or is waited for: it never says that there is nothing.
    const answer = await asked;
    if (!(answer instanceof LogUnavailableError)) assert.deepEqual(answer, { ...second, position: 2 });
  });

  test('the commits of an aggregate between two positions are given in order, and no others', async (t) => {
    const { log, outage } = await start(t);
    for (const expected of [0, 1, 2]) await append(log, scanCommit(), expected);
    await append(log, outdated(), 0);
    await append(log, scanCommit(), 3);
    const { signal } = new AbortController();
    const given = async (after: number, through: number, patience = PATIENCE) => {
      const commits: Recorded[] = [];
      await log.each(scanAggregate, shard, { after, through, patience, signal }, (commit) => commits.push(commit));
      return commits;
    };
    const all = await log.load(scanAggregate, shard);
    assert.equal(all.length, 4);
    assert.deepEqual(await given(0, 5), all);
    assert.deepEqual(await given(1, 3), all.slice(1, 3));
    assert.deepEqual(await given(2, 5), all.slice(2));
    assert.deepEqual(await given(3, 3), []);
    const span = { after: 0, through: 5, patience: PATIENCE, signal: AbortSignal.abort(new TypeError('enough')) };
    await assert.rejects(
      log.each(scanAggregate, shard, span, () => {}),
      TypeError,
    );
    const restore = await outage();
    const asked = given(0, 5);
    await restore();
    assert.deepEqual(await asked, all, 'an outage within the patience is no matter');
  });

  test('of many writers that expect the same, one wins', async (t) => {
    const { log } = await start(t);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => append(log, scanCommit(), 0)));
    assert.deepEqual(outcomes.map(({ kind }) => kind).sort(), [
      ...Array(1).fill('appended'),
      ...Array(19).fill('conflict'),
    ]);
    assert.ok(outcomes.every(({ position }) => position === 1));
  });

  /** Every one of the commits is the only one of its aggregate, and stands where the append said. */
  const assertOnce = async (log: CommitLog, commits: readonly Omit<Commit, 'position'>[], positions: number[]) => {
    for (const [i, commit] of commits.entries())
      assert.deepEqual(await log.load(commit.aggregate, shard), [{ ...commit, position: positions[i] }]);
  };

  test('many commits at once are each appended, and the conflict of one is nobody else’s', async (t) => {
    const { log, stream } = await start(t);
    const commits = ofUsers(60);
    const [early, ...others] = commits;
    assert.ok(early);
    await append(log, early, 0);
    const [late] = ofUsers(1);
    assert.ok(late);
    const outcomes = await Promise.all([late, ...others].map((commit) => append(log, commit, 0)));
    assert.deepEqual(outcomes[0], { kind: 'conflict', position: 1 });
    assert.ok(outcomes.slice(1).every(({ kind }) => kind === 'appended'));
    await assertOnce(
      log,
      commits,
      outcomes.map(({ position }) => position),
    );
    assert.equal(await log.tail(stream), 60);
  });

  test('many commits at once whose acks are lost are each found by reading back', async (t) => {
    const { log, loseAcks } = await start(t);
    const restore = await loseAcks();
    const commits = ofUsers(60);
    const appended = Promise.all(commits.map((commit) => append(log, commit, 0)));
    await restore();
    const outcomes = await appended;
    assert.ok(outcomes.every(({ kind }) => kind === 'appended'));
    await assertOnce(
      log,
      commits,
      outcomes.map(({ position }) => position),
    );
  });

  test('many commits at once while the server goes and comes back are each appended once', async (t) => {
    const { log, outage } = await start(t);
    const commits = ofUsers(120);
    const appends = commits.slice(0, 60).map((commit) => append(log, commit, 0));
    const restore = await outage();
    appends.push(...commits.slice(60).map((commit) => append(log, commit, 0)));
    await restore();
    const outcomes = await Promise.all(appends);
    assert.ok(outcomes.every(({ kind }) => kind === 'appended'));
    await assertOnce(
      log,
      commits,
      outcomes.map(({ position }) => position),
    );
  });

  test('a commit that is already there is ours, not a conflict', async (t) => {
    const { log } = await start(t);
    const commit = scanCommit();
    await append(log, commit, 0);
    assert.deepEqual(await append(log, commit, 0), { kind: 'appended', position: 1 });
    assert.equal((await log.load(scanAggregate, shard)).length, 1);
  });

  test('a lost ack is found out by reading back', async (t) => {
    const { log, loseAcks } = await start(t);
    const restore = await loseAcks();
    const commit = scanCommit();
    const appended = append(log, commit, 0);
    await restore();
    assert.deepEqual(await appended, { kind: 'appended', position: 1 });
    assert.equal((await log.load(scanAggregate, shard)).length, 1);
  });

  test('a server that comes back within the patience is no matter; one that does not is an outage', async (t) => {
    const { log, outage } = await start(t);
    const restore = await outage();
    await assert.rejects(append(log, scanCommit(), 0, 300), LogUnavailableError);
    const appended = append(log, scanCommit(), 0);
    await restore();
    assert.equal((await appended).kind, 'appended');
  });

  test('following gives every commit once and in order, from any position, across an outage', async (t) => {
    const { log, stream, outage } = await start(t);
    const all: Recorded[] = [];
    const late: number[] = [];
    const failures: Error[] = [];
    const follow = (after: number, onCommit: (commit: Recorded) => void) =>
      log.follow(stream, shard, { after, onCommit, onFailure: (error) => failures.push(error) });
    const followers = [follow(0, (commit) => all.push(commit)), follow(10, ({ position }) => late.push(position))];
    t.after(() => followers.forEach((follower) => void follower.stop()));
    for (let expected = 0; expected < 20; expected++) await append(log, scanCommit(), expected);
    const restore = await outage();
    await restore();
    for (let expected = 20; expected < 40; expected++) await append(log, scanCommit(), expected);
    const end = Date.now() + 30_000;
    while ((all.length < 40 || late.length < 30) && Date.now() < end) await new Promise((go) => setTimeout(go, 20));
    assert.deepEqual(all, await log.load(scanAggregate, shard));
    assert.deepEqual(
      late,
      Array.from({ length: 30 }, (_, i) => i + 11),
    );
    assert.deepEqual(failures, []);
  });
}
