import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Shard } from '../../../events/ids.js';
import { HeadStore } from '../../../events/log/heads.js';
import { CHECKPOINTS } from '../../../events/log/streams.js';
import { DamagedHeadError, TreeHead } from '../../../events/tree-head.js';
import { storedHeads } from '../../fixtures/stored-heads.js';
import { startTestLog } from '../../support/log.js';

const [text = ''] = storedHeads;
const headOf = (shard: Shard, size: number): TreeHead =>
  TreeHead.parse({ ...JSON.parse(text), shard, treeSize: size, position: size });
const [zero, one, two] = [0 as Shard, 1 as Shard, 2 as Shard];

test('heads are appended behind the one that was expected, and found by their size', async (t) => {
  const { log } = await startTestLog(t);
  const heads = new HeadStore(log);
  assert.deepEqual([await heads.last(zero), await heads.ofSize(zero, 1)], [undefined, undefined]);
  const places: Record<number, number[]> = { 0: [0], 1: [0] };
  for (const [shard, size] of [
    [zero, 3],
    [one, 2],
    [one, 5],
    [zero, 9],
    [one, 8],
    [one, 13],
    [zero, 10],
  ] as const) {
    const place = places[shard] ?? assert.fail();
    assert.ok(await heads.append(headOf(shard, size), place.at(-1) ?? 0));
    place.push(((await heads.last(shard)) ?? assert.fail()).position);
    for (const old of place.slice(0, -1)) assert.equal(await heads.append(headOf(shard, 99), old), false);
  }
  for (const [shard, sizes] of [
    [zero, [3, 9, 10]],
    [one, [2, 5, 8, 13]],
    [two, []],
  ] as const)
    for (let size = 1; size < 20; size++) {
      const found = await heads.ofSize(shard, size);
      assert.deepEqual(found?.head, (sizes as readonly number[]).includes(size) ? headOf(shard, size) : undefined);
    }
  assert.deepEqual((await heads.last(one))?.head, headOf(one, 13));
});

test('what is no head is not read as one', async (t) => {
  const { log } = await startTestLog(t);
  await log.store(CHECKPOINTS, { subject: 'argus.checkpoint.0', data: Buffer.from('{}') });
  await assert.rejects(new HeadStore(log).last(zero), DamagedHeadError);
});
