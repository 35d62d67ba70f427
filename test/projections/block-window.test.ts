import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BlockWindow } from '../../projections/block-window.js';
import { block, chainCommit, connected, connectedUpTo, disconnected, windowOf, work } from '../fixtures/blocks.js';

describe('the block window', () => {
  test('is empty before the first block', () => {
    const window = new BlockWindow();
    assert.equal(window.tip, undefined);
    assert.equal(window.root, undefined);
    assert.equal(window.at(0), undefined);
    assert.deepEqual(window.from(0), []);
    assert.ok(!window.isBest(block(1)));
    assert.equal(window.position, 0);
  });

  test('holds what was connected, with the position of its commit', () => {
    const window = windowOf([connected(100), connected(101)], [connected(102)]);
    assert.deepEqual(window.tip, { ...block(102), chainwork: work(102), position: 2 });
    assert.deepEqual(window.root, { ...block(100), chainwork: work(100), position: 1 });
    assert.equal(window.at(101)?.position, 1);
    assert.equal(window.position, 2);
  });

  test('reaches from its first block to its tip', () => {
    const window = windowOf(connectedUpTo(100, 102));
    assert.deepEqual(
      [99, 100, 102, 103, -1].map((height) => window.at(height)?.hash),
      [undefined, block(100).hash, block(102).hash, undefined, undefined],
    );
    const heights = (from: number) => window.from(from).map(({ height }) => height);
    assert.deepEqual(heights(101), [101, 102]);
    assert.deepEqual(heights(0), [100, 101, 102]);
    assert.deepEqual(heights(103), []);
  });

  test('follows a reorg: what is on the best chain is asked by height and hash', () => {
    const reorg = [disconnected(102), disconnected(101), ...connectedUpTo(101, 103, 'b')];
    const window = windowOf(connectedUpTo(100, 102), reorg);
    assert.ok(window.isBest(block(100)));
    assert.ok(window.isBest(block(101, 'b')));
    assert.ok(!window.isBest(block(101)));
    assert.ok(!window.isBest({ ...block(101, 'b'), height: 102 }));
    assert.equal(window.tip?.hash, block(103, 'b').hash);
    assert.equal(window.at(101)?.position, 2);
  });

  test('knows since when a block is on the best chain: not since before it was taken back', () => {
    const back = [disconnected(101, 'b'), connected(101), connected(102)];
    const window = windowOf(connectedUpTo(100, 101), [disconnected(101), connected(101, 'b')], back);
    assert.ok(window.holds({ ...block(100), position: 1 }));
    assert.ok(!window.holds({ ...block(101), position: 1 }));
    assert.ok(window.holds({ ...block(101), position: 3 }));
    assert.ok(!window.holds({ ...block(101, 'b'), position: 2 }));
  });

  test('may be taken back whole, and begin again on another chain', () => {
    const all = [disconnected(101), disconnected(100), connected(100, 'b')];
    const window = windowOf([connected(100), connected(101)], all);
    assert.equal(window.root?.hash, block(100, 'b').hash);
    assert.equal(window.tip, window.root);
  });

  test('takes back only its tip', () => {
    const window = windowOf(connectedUpTo(100, 102), [disconnected(101), disconnected(102, 'b')]);
    assert.equal(window.tip?.hash, block(102).hash);
  });

  test('is the same to the byte for the same log, folded in one sitting or two', () => {
    const commits = [
      connectedUpTo(100, 102),
      [disconnected(102), ...connectedUpTo(102, 103, 'b')],
      [connected(104, 'b')],
    ];
    const inOne = JSON.stringify(windowOf(...commits));
    const inTwo = windowOf(...commits.slice(0, 1));
    commits.slice(1).forEach((events, n) => {
      inTwo.apply(chainCommit(n + 2, ...events));
    });
    assert.equal(JSON.stringify(inTwo), inOne);
    assert.notEqual(JSON.stringify(windowOf(...commits.slice(0, 2))), inOne);
    assert.notEqual(JSON.stringify(windowOf(...commits.slice(0, 2), [connected(104, 'c')])), inOne);
  });
});
