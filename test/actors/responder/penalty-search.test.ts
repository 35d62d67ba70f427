import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PenaltySearch } from '../../../actors/responder/penalty-search.js';
import { fromHex, reversed } from '../../../events/bytes.js';
import type { BlockRef } from '../../../events/chain.js';
import type { BlockWindow } from '../../../projections/block-window.js';
import { block, connectedUpTo, disconnected, height, windowOf } from '../../fixtures/blocks.js';
import { appointmentId, txid } from '../../fixtures/ids.js';

const id = appointmentId('channel');
const penalty = reversed(fromHex(txid('penalty')));
const up = (to: number) => windowOf(connectedUpTo(1000, to));

/** A search of a chain in which one block holds the penalty; notes the heights at which it looks. */
function searching(window: BlockWindow, holder?: BlockRef) {
  const chain = { state: window };
  const looked: number[] = [];
  const txids = async ({ height, hash }: BlockRef) => {
    looked.push(height);
    return hash === holder?.hash ? penalty : new Uint8Array(32);
  };
  const search = new PenaltySearch({ chain, txids });
  const find = (from: number) => search.find(id, penalty, height(from));
  return { chain, search, find, looked };
}

test('a new block costs one look', async () => {
  const { chain, search, find, looked } = searching(up(1003));
  assert.equal(await find(1001), undefined);
  assert.ok(search.isDone(id, block(1003), block(1001)));
  chain.state = up(1004);
  assert.ok(!search.isDone(id, block(1004), block(1001)));
  await find(1001);
  assert.deepEqual(looked, [1001, 1002, 1003, 1004]);
});

test('after a reorg it begins anew', async () => {
  const { chain, find, looked } = searching(up(1002), block(1002, 'b'));
  await find(1001);
  chain.state = windowOf(connectedUpTo(1000, 1002), [disconnected(1002), ...connectedUpTo(1002, 1003, 'b')]);
  assert.deepEqual(await find(1001), block(1002, 'b'));
  assert.deepEqual(looked, [1001, 1002, 1001, 1002]);
});

test('a dispute that turns up before the blocks that were searched has its own block searched', async () => {
  const { search, find } = searching(up(1005), block(1001));
  assert.equal(await find(1002), undefined, 'from as far back as a reorg reaches, while the dispute is not known');
  assert.ok(search.isDone(id, block(1005), null));
  assert.ok(!search.isDone(id, block(1005), block(1001)), 'it was found by the watcher, in a block before those');
  assert.deepEqual(await find(1001), block(1001));
});

test('while the dispute is not known, what was searched is not searched again as the tip moves on', async () => {
  const { chain, find, looked } = searching(up(1003));
  await find(1001);
  chain.state = up(1004);
  await find(1002);
  assert.deepEqual(looked, [1001, 1002, 1003, 1004]);
});
