import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { commitsOf, type Header, hasMoreWork, pathTo } from '../../../actors/chain-monitor/decisions.js';
import { chainAggregate } from '../../../events/aggregate.js';
import type { BlockConnected, ChainEvent } from '../../../events/chain.js';
import { type Commit, encodeCommit, newCommit } from '../../../events/commit.js';
import type { BlockWindow } from '../../../projections/block-window.js';
import { chainCommit, connected, connectedUpTo, disconnected, windowOf, work } from '../../fixtures/blocks.js';

/** Headers from a tip down, as a branch is found. */
const downward = (...blocks: BlockConnected[]): Header[] => blocks.toReversed();

/** The log's chain: blocks 100 to 105 of branch a. */
const window = windowOf(connectedUpTo(100, 105));

/** The height and the branch's way at each step of some commits, such as `-105 +105 +106`. */
const steps = (events: readonly ChainEvent[]) =>
  events
    .map((event) => ('height' in event ? `${event.type === 'BlockConnected' ? '+' : '-'}${event.height}` : ''))
    .join(' ');

/** The work of a window's tip after each of some commits. */
const tipWorks = (window: BlockWindow, commits: ChainEvent[][]) =>
  commits.map((events, n) => {
    window.apply(chainCommit(n + 2, ...events));
    return BigInt(`0x${window.tip?.chainwork}`);
  });

describe("the log's tip", () => {
  test('moves only to a chain with more work', () => {
    const tip = window.tip;
    assert.equal(hasMoreWork(connected(105, 'b', { chainwork: 106 }), tip), true);
    assert.equal(hasMoreWork(connected(105, 'b', { chainwork: 105 }), tip), false, 'the first of two equals stays');
    assert.equal(hasMoreWork(connected(200, 'b', { chainwork: 104 }), tip), false, 'height is no matter');
  });

  test('moves to anything while there is none', () => {
    assert.equal(hasMoreWork(connected(1, 'a', { chainwork: 0 }), undefined), true);
  });

  test('is compared beyond what a number can hold', () => {
    const [huge, more] = ['0', '1']
      .map((last) => 'f'.repeat(63) + last)
      .map((chainwork) => ({ ...connected(1), chainwork }));
    assert.ok(huge && more);
    const { tip } = windowOf([huge]);
    assert.equal(hasMoreWork(more, tip), true);
    assert.equal(hasMoreWork(huge, tip), false);
  });
});

describe('the path to a tip', () => {
  test('that is on top of the log: what to connect, lowest first', () => {
    const next = connectedUpTo(106, 108);
    assert.deepEqual(pathTo(downward(...next), window), { disconnect: [], connect: next });
  });

  test('on another branch: what to take back, highest first, then what to connect', () => {
    const branch = connectedUpTo(104, 106, 'b');
    assert.deepEqual(pathTo(downward(...branch), window), {
      disconnect: [disconnected(105), disconnected(104)],
      connect: branch,
    });
  });

  test('that is lower than the log but has more work', () => {
    const heavy = connected(103, 'b', { chainwork: 500 });
    assert.deepEqual(pathTo([heavy], window), {
      disconnect: [disconnected(105), disconnected(104), disconnected(103)],
      connect: [heavy],
    });
  });

  test('without a common block: everything that the tower ever saw is taken back', () => {
    const other = connectedUpTo(100, 107, 'b');
    const { disconnect, connect } = pathTo(downward(...other), window);
    assert.equal(steps(disconnect), '-105 -104 -103 -102 -101 -100');
    assert.deepEqual(connect, other);
  });

  test('leads there', () => {
    for (const branch of [connectedUpTo(106, 108), connectedUpTo(102, 107, 'b'), connectedUpTo(100, 107, 'c')]) {
      const { disconnect } = pathTo(downward(...branch), window);
      const after = windowOf(connectedUpTo(100, 105), [...disconnect, ...branch]);
      assert.equal(after.tip?.hash, branch.at(-1)?.hash);
      assert.ok(branch.every((block) => after.isBest(block)));
      assert.equal(after.root?.height, 100);
    }
  });
});

describe('the commits of a path', () => {
  const tip = window.tip;

  test('a new block is one commit', () => {
    assert.deepEqual(commitsOf([], [connected(106)], tip), [[connected(106)]]);
  });

  test('a reorg is one commit: taken back first, then connected', () => {
    const branch = connectedUpTo(104, 106, 'b');
    const back = [disconnected(105), disconnected(104)];
    assert.deepEqual(commitsOf(back, branch, tip), [[...back, ...branch]]);
  });

  test('a long connect is split, in order, into commits of 200 events', () => {
    const many = connectedUpTo(106, 605);
    const commits = commitsOf([], many, tip);
    assert.deepEqual(
      commits.map((events) => events.length),
      [200, 200, 100],
    );
    assert.deepEqual(commits.flat(), many);
  });

  test('so is the beginning of a log', () => {
    const commits = commitsOf([], connectedUpTo(0, 399), undefined);
    assert.deepEqual(
      commits.map((events) => events.length),
      [200, 200],
    );
  });

  test('a reorg to a long branch: its beginning in one commit, the rest in others', () => {
    const back = [disconnected(105)];
    const commits = commitsOf(back, connectedUpTo(105, 504, 'b'), tip);
    assert.deepEqual(
      commits.map((events) => events.length),
      [200, 200, 1],
    );
    assert.deepEqual(commits.flat(), [...back, ...connectedUpTo(105, 504, 'b')]);
  });

  test('nobody who folds them ever sees a tip with less work, however long the branch that outweighs', () => {
    const old = connectedUpTo(1, 300);
    for (const lead of [1, 150, 400]) {
      const branch = connectedUpTo(1, 300 + lead, 'b');
      const folded = windowOf(old);
      const commits = commitsOf(old.map(({ height }) => disconnected(height)).reverse(), branch, folded.tip);
      const works = tipWorks(folded, commits);
      assert.ok(
        works.every((work, n) => work > (works[n - 1] ?? 300n)),
        `a lead of ${lead}: ${works}`,
      );
      assert.equal(works.at(-1), BigInt(300 + lead));
    }
  });

  test('what outweighs late is one commit with all before it, though that be more than 200 events', () => {
    const light = connectedUpTo(105, 404, 'b').map((block) => ({ ...block, chainwork: connected(1).chainwork }));
    const heavy = connected(405, 'b', { chainwork: 1000 });
    const commits = commitsOf([disconnected(105)], [...light, heavy, ...connectedUpTo(406, 410, 'b')], tip);
    assert.equal(commits[0]?.length, 302);
    assert.deepEqual(commits[0]?.at(-1), heavy);
    assert.equal(commits[1]?.length, 5);
  });

  /** A real network's blocks: their numbers are as long as they will be for decades. */
  const large = (from: number, to: number, branch: string, chainwork: (at: number) => number) =>
    connectedUpTo(from, to, branch).map((block, n) => ({
      ...block,
      time: 4_000_000_000,
      txCount: 999_999,
      chainwork: work(chainwork(from + n)),
    }));

  test('a reorg of 2,000 blocks is one commit, and fits into a message', () => {
    const old = large(8_000_000, 8_001_999, 'a', (at) => at);
    const branch = large(8_000_000, 8_002_000, 'b', (at) => at);
    const back = old.map(({ height }) => disconnected(height)).reverse();
    const folded = windowOf(old);
    const commits = commitsOf(back, branch, folded.tip);
    assert.equal(commits.length, 1);
    assert.ok(messageOf(commits[0]).length < 1_048_576 - 1_000);
  });

  test('a reorg of 10,000 blocks is several, each of which fits, and they lead there', () => {
    const old = large(8_000_000, 8_009_999, 'a', (at) => at);
    const branch = large(8_000_000, 8_010_000, 'b', (at) => at);
    const back = old.map(({ height }) => disconnected(height)).reverse();
    const folded = windowOf(old);
    const commits = commitsOf(back, branch, folded.tip);
    for (const events of commits) assert.ok(messageOf(events).length < 1_048_576 - 1_000);
    assert.deepEqual(commits.flat(), [...back, ...branch]);
  });

  test('a reorg to a shorter chain with more work is one commit like any other', () => {
    const branch = connectedUpTo(103, 104, 'b').map((block, n) => ({ ...block, chainwork: work(500 + n) }));
    const { disconnect } = pathTo(downward(...branch), window);
    const commits = commitsOf(disconnect, branch, tip);
    assert.equal(steps(commits.flat()), '-105 -104 -103 +103 +104');
    const after = windowOf(connectedUpTo(100, 105), ...commits);
    assert.equal(after.tip?.height, 104);
    assert.ok(!hasMoreWork(connected(105), after.tip), 'the longer chain does not come back');
  });
});

/** The bytes of a commit of these events. */
const messageOf = (events: readonly ChainEvent[] = []) =>
  encodeCommit(newCommit(chainAggregate, events, 'n'.repeat(63), Date.now()) as Omit<Commit, 'position'>);
