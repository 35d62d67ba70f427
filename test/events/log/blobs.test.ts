import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlobDamagedError, BlobStore } from '../../../events/log/blobs.js';
import { userId } from '../../fixtures/ids.js';
import { shard, startTestLog } from '../../support/log.js';
import type { Cleanup } from '../../support/temp-dir.js';

const USER = userId('alice');

/** A store of blobs, and what it asks of any replica. */
async function world(t: Cleanup) {
  const { log } = await startTestLog(t);
  const questions: string[] = [];
  const publish = log.nc.publish.bind(log.nc);
  log.nc.publish = (subject, ...rest) => {
    if (subject.startsWith('$JS.API.DIRECT.GET')) questions.push(subject);
    publish(subject, ...rest);
  };
  return { blobs: new BlobStore(log), questions };
}

test('a blob that is expected is read once, and given once', async (t) => {
  const { blobs, questions } = await world(t);
  const bytes = Uint8Array.of(1, 2, 3);
  const ref = await blobs.put(shard, USER, bytes);
  const expected = [blobs.expect(shard, ref.position), blobs.expect(shard, ref.position)];
  assert.equal(questions.length, 1);
  assert.deepEqual(await Promise.all(expected), [bytes, bytes]);
  assert.deepEqual(await blobs.get(shard, ref), bytes);
  assert.equal(questions.length, 1);
  assert.deepEqual(await blobs.get(shard, ref), bytes);
  assert.equal(questions.length, 2, 'what was expected was used up');
});

test('a blob that is expected in vain, or is another, is what it would be without', async (t) => {
  const { blobs } = await world(t);
  const ref = await blobs.put(shard, USER, Uint8Array.of(1, 2, 3));
  const none = { ...ref, position: ref.position + 1 };
  assert.equal(await blobs.expect(shard, none.position), undefined);
  assert.equal(await blobs.get(shard, none), undefined);
  void blobs.expect(shard, ref.position);
  await assert.rejects(blobs.get(shard, { ...ref, sha256: '00'.repeat(32) }), BlobDamagedError);
});
