import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BlobStore } from '../../../events/log/blobs.js';
import { userId } from '../../fixtures/ids.js';
import { shard, startTestLog } from '../../support/log.js';
import { until } from '../../support/until.js';

const USER = userId('alice');

/** Whether any file of a folder holds these bytes. */
const holds = (folder: string, bytes: Buffer): boolean =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).some(
    (entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(bytes),
  );

test("a blob that is erased is given to nobody, and where it is overwritten it is in none of the server's files", async (t) => {
  const { log, nats } = await startTestLog(t);
  const blobs = new BlobStore(log);
  const store = join(nats.dataDir, 'store');
  const contents = Array.from({ length: 3 }, () => randomBytes(600));
  const [kept, overwritten, erased] = await Promise.all(
    contents.map(async (bytes) => ({ bytes, ref: await blobs.put(shard, USER, bytes) })),
  );
  assert(kept && overwritten && erased);
  for (const { bytes } of [kept, overwritten, erased]) assert.ok(holds(store, bytes), 'stored as it is');

  await blobs.erase(shard, overwritten.ref.position, true);
  await blobs.erase(shard, erased.ref.position);
  for (const { ref } of [overwritten, erased]) assert.equal(await blobs.get(shard, ref), undefined);
  assert.ok(kept.bytes.equals((await blobs.get(shard, kept.ref)) ?? Buffer.alloc(0)));
  await until('it is overwritten', () => !holds(store, overwritten.bytes));
  assert.ok(holds(store, kept.bytes));
  assert.ok(holds(store, erased.bytes), 'until the server compacts its block');
});
