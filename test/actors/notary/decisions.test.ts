import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headAt, isDue, scannedIn } from '../../../actors/notary/decisions.js';
import { scanAggregate } from '../../../events/aggregate.js';
import { newCommit, type Recorded, type ShardCommit } from '../../../events/commit.js';
import type { Shard } from '../../../events/ids.js';
import { headHash } from '../../../events/tree-head.js';
import { block } from '../../fixtures/blocks.js';
import { hexOf } from '../../fixtures/ids.js';
import { userCommit } from '../../support/log.js';

const shard = 2 as Shard;
const scan = (position: number, events: readonly object[]) =>
  ({ ...newCommit(scanAggregate, events, 'one', 0), position }) as Recorded<ShardCommit>;
const scanned = (height: number) => ({ type: 'BlockScanned', ...block(height), chainPosition: 5 });
const unread = (height: number) => ({ type: 'BlockUnread', ...block(height) });
const at = (position: number) => ({ position, height: block(7).height, blockHash: block(7).hash });
const signed = (head: ReturnType<typeof headAt>) => ({ ...head, signature: 'y'.repeat(104) }) as const;

test('a head is due where the log says that a block was evaluated, and nowhere else', () => {
  assert.deepEqual(scannedIn(scan(4, [unread(6), scanned(7)])), at(4));
  assert.equal(scannedIn(scan(4, [unread(6)])), undefined);
  assert.equal(scannedIn({ ...userCommit('someone'), position: 4 } as Recorded<ShardCommit>), undefined);
});

test('the first head names none before it, each other one the one before', () => {
  const root = hexOf('root', 32);
  const first = headAt(shard, undefined, at(4), root);
  const { height, blockHash } = at(4);
  assert.deepEqual(first, { v: 1, shard, treeSize: 4, root, position: 4, height, blockHash, previous: null });
  const last = signed(first);
  assert.equal(headAt(shard, last, at(5), root).previous, headHash(last));
});

test('nothing is signed at or below the size of the last head: deciding twice decides nothing more', () => {
  const last = signed(headAt(shard, undefined, at(4), hexOf('root', 32)));
  assert.ok(isDue(undefined, at(4)));
  assert.deepEqual(
    [1, 3, 4, 5].map((position) => isDue(last, at(position))),
    [false, false, false, true],
  );
});
