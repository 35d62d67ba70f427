import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { SnapshotFolder } from '../../../actors/snapshots/snapshot-folder.js';
import { SnapshotSource } from '../../../actors/snapshots/snapshot-source.js';
import { utf8 } from '../../../events/bytes.js';
import { decodeHead, headHash, type TreeHead } from '../../../events/tree-head.js';
import { ShardState } from '../../../projections/shard-state.js';
import { ofUser, placed } from '../../fixtures/commits.js';
import { registered } from '../../fixtures/histories.js';
import { storedHeads } from '../../fixtures/stored-heads.js';
import { place, shardSubject, snapshotOf } from '../../support/snapshots.js';
import { tempDir } from '../../support/temp-dir.js';

const [head, other] = storedHeads.map((stored) => decodeHead(utf8(stored))) as [TreeHead, TreeHead];
const WHERE = 7;
const treeHead = { position: WHERE, sha256: headHash(head) };

/** Whether a snapshot is used of a log that has a head there, and why not. */
async function used(
  t: TestContext,
  named: typeof treeHead | null,
  there: TreeHead | undefined,
  cut = 0,
): Promise<string> {
  const state = new ShardState();
  for (const commit of placed(ofUser('alice', registered()))) state.apply(commit);
  const folder = new SnapshotFolder(tempDir(t));
  writeFileSync(folder.file(shardSubject.stream), snapshotOf(state, undefined, named));
  const told: string[] = [];
  const source = new SnapshotSource({
    folder,
    log: { tail: async () => state.position, digestAt: async () => place.messageSha256, cut: async () => cut },
    heads: { at: async (shard, position) => (shard === 0 && position === WHERE ? there : undefined) },
    shared: async () => assert.fail('its own is new enough'),
    every: 1_000,
    warn: ({ why }) => told.push(why),
  });
  const found = await source.find(shardSubject);
  return found ? 'used' : told.join();
}

test('a snapshot is used where the tree head is that it was made under, and where there was none', async (t) => {
  assert.equal(await used(t, treeHead, head), 'used');
  assert.equal(await used(t, null, head), 'used');
});

test('a snapshot is not used of a log that was signed otherwise', async (t) => {
  for (const there of [other, undefined])
    assert.equal(await used(t, treeHead, there), 'it is of another log: its tree head is not at 7 of CHECKPOINTS');
});

test('a snapshot is not used of a log that was trimmed beyond it', async (t) => {
  assert.equal(await used(t, treeHead, head, 1), 'used');
  assert.equal(await used(t, treeHead, head, 2), 'it is of position 1, and TOWER_0 was trimmed up to 2');
});
