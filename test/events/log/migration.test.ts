import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiscardPolicy, StorageType, type StreamConfig } from 'nats';
import { ensureStreams, readLog } from '../../../events/log/ensure-streams.js';
import { EventLog } from '../../../events/log/log.js';
import { changeSetting, inChangingOrder, isWhole, readCopies } from '../../../events/log/migration.js';
import { wantedStreams } from '../../../events/log/streams.js';
import { layout } from '../../support/log.js';
import { startTestNats } from '../../support/nats.js';
import type { Cleanup } from '../../support/temp-dir.js';

async function start(t: Cleanup) {
  const nc = await (await startTestNats(t)).connect('node');
  return { nc, jsm: (await EventLog.open(nc)).jsm };
}

test('a log that was made otherwise becomes one that a node wants, one setting after another', async (t) => {
  const { nc, jsm } = await start(t);
  const wrong = { max_age: 1e15, max_bytes: 1e6, deny_delete: false, deny_purge: false, allow_direct: false };
  for (const wanted of wantedStreams(layout))
    await jsm.streams.add({ ...wanted, ...wrong, discard: DiscardPolicy.Old, allow_atomic: false } as StreamConfig);
  const reading = await readLog(jsm, layout);
  const changes = inChangingOrder(reading);
  assert.equal(changes.length, 6 + 2 + 6 + 6 + 7 + 5 + 4);
  for (const change of changes) assert.deepEqual(await changeSetting(jsm, change), { kind: 'changed' });
  assert.deepEqual((await readLog(jsm, layout)).drift, []);
  assert.deepEqual((await ensureStreams(nc, layout)).made, []);
  assert.ok((await readCopies(jsm, layout)).every(isWhole));
});

test('what stands where it must not is taken away', async (t) => {
  const { nc, jsm } = await start(t);
  await ensureStreams(nc, layout);
  await jsm.streams.update('TOWER_0', { sources: [{ name: 'OTHER' }], no_ack: true } as Partial<StreamConfig>);
  const changes = inChangingOrder(await readLog(jsm, layout));
  assert.deepEqual(
    changes.map(({ field }) => field),
    ['sources', 'no_ack'],
  );
  for (const change of changes) assert.deepEqual(await changeSetting(jsm, change), { kind: 'changed' });
  assert.deepEqual((await readLog(jsm, layout)).drift, []);
});

test('what the server refuses is told in its words, and nothing is changed', async (t) => {
  const { jsm } = await start(t);
  for (const wanted of wantedStreams(layout))
    await jsm.streams.add(wanted.name === 'TOWER_0' ? { ...wanted, storage: StorageType.Memory } : wanted);
  const changes = inChangingOrder(await readLog(jsm, { ...layout, replicas: 3 }));
  assert.deepEqual(
    changes.map(({ stream, field }) => `${stream} ${field}`),
    [
      'TOWER_0 storage',
      ...['CHAIN', 'TXIDS', 'CHECKPOINTS', 'POLICY', 'TOWER_0', 'BLOBS_0', 'OBJ_SNAPSHOTS'].map(
        (name) => `${name} num_replicas`,
      ),
    ],
  );
  const outcomes = await Promise.all(changes.map((change) => changeSetting(jsm, change)));
  const alone = { kind: 'refused', reason: 'replicas > 1 not supported in non-clustered mode' };
  const storage = { kind: 'refused', reason: 'stream configuration update can not change storage type' };
  assert.deepEqual(outcomes, [storage, ...Array(7).fill(alone)]);
  assert.deepEqual(inChangingOrder(await readLog(jsm, { ...layout, replicas: 3 })), changes);
});
