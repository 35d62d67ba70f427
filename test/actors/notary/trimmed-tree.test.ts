import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ShardTree } from '../../../actors/notary/shard-tree.js';
import { fromHex, toHex } from '../../../events/bytes.js';
import type { Shard } from '../../../events/ids.js';
import { rebuildStream } from '../../../events/log/rebuild-stream.js';
import { leafHash, verifyConsistency, verifyInclusion } from '../../../events/proofs/merkle.js';
import { RightEdge } from '../../../projections/merkle/post-order.js';
import { type Kept, rewrite } from '../../support/rewritten.js';
import { tempDir } from '../../support/temp-dir.js';
import { COUNT, DROPPED, startUntrimmedLog } from '../../support/trimmed-log.js';

const shard = 0 as Shard;

test('the tree of a trimmed log is that of all that was there, for a new file and for one that was kept', async (t) => {
  const { log, leaves, needs } = await startUntrimmedLog(t);
  const edge = new RightEdge();
  const roots = leaves.map((leaf) => {
    edge.add(leaf);
    return toHex(edge.root());
  });
  const path = join(tempDir(t), 'tree');
  const open = async (path: string) => {
    const tree = await ShardTree.open({ log, shard, path, tell: () => {}, fail: assert.fail });
    t.after(() => tree.stop());
    return tree;
  };
  const early = await open(path);
  assert.equal(await early.answer({ what: 'root', size: COUNT }), roots.at(-1));
  early.stop();
  await rebuildStream(needs());
  for (const where of [join(tempDir(t), 'tree'), path]) {
    const tree = await open(where);
    for (const size of [3, 10, COUNT])
      assert.equal(await tree.answer({ what: 'root', size }), roots[size - 1], `${where} ${size}`);
    const root = (size: number) => ({ size, root: fromHex(roots[size - 1] ?? '') });
    const proof = (answer: Awaited<ReturnType<typeof tree.answer>>) => (answer as string[]).map(fromHex);
    const consistency = proof(await tree.answer({ what: 'consistency', from: 3, size: COUNT }));
    assert.ok(verifyConsistency(root(3), root(COUNT), consistency));
    for (const position of [4, 12]) {
      const inclusion = proof(await tree.answer({ what: 'inclusion', position, size: COUNT }));
      assert.ok(verifyInclusion(leaves[position - 1] ?? new Uint8Array(), position - 1, root(COUNT), inclusion));
    }
    await tree.answer({ what: 'rebuild' });
    assert.equal(await tree.answer({ what: 'root', size: COUNT }), roots.at(-1));
  }
});

test('a message that is left of a trimmed log and is another one than it was is found out', async (t) => {
  const { nc, log, jsm, needs } = await startUntrimmedLog(t);
  await rebuildStream(needs());
  const all = Array.from({ length: COUNT }, async (_, i): Promise<Kept | undefined> => {
    if (DROPPED.includes(i + 1)) return undefined;
    const { subject, data } = await jsm.streams.getMessage('TOWER_0', { seq: i + 1 });
    return { subject, data };
  });
  const messages = await Promise.all(all);
  const changed = messages.map((one, i) => (i === 4 && one ? { ...one, data: leafHash(one.data) } : one));
  await rewrite(nc, 'TOWER_0', changed);
  const failed = new Promise<Error>((resolve) => {
    const path = join(tempDir(t), 'tree');
    const opened = ShardTree.open({ log, shard, path, tell: () => {}, fail: resolve });
    void opened.then((tree) => {
      t.after(() => tree.stop());
      return tree.answer({ what: 'root', size: COUNT }).then(() => assert.fail('it was answered'));
    });
  });
  assert.match((await failed).message, /message 5 of TOWER_0 is not the one that was there when it was trimmed/);
});
