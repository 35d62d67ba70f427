import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JetStreamManager } from 'nats';
import { EventLog } from '../../../events/log/log.js';
import { CHAIN, ensureStreams, StreamDriftError, TXIDS } from '../../../events/log/streams.js';
import { layout } from '../../support/log.js';
import { startTestNats } from '../../support/nats.js';
import type { Cleanup } from '../../support/temp-dir.js';

async function start(t: Cleanup) {
  const nc = await (await startTestNats(t)).connect('node');
  return { nc, jsm: (await EventLog.open(nc)).jsm };
}

/** Every stream of the server and its whole configuration. */
const everything = async (jsm: JetStreamManager) =>
  new Map((await jsm.streams.list().next()).map(({ config }) => [config.name, config]));

test('a log that is not as wanted is left as it is: nothing is made beside it either', async (t) => {
  const { nc, jsm } = await start(t);
  await ensureStreams(nc, layout);
  const before = await everything(jsm);
  for (const drift of [{ shards: 3 }, { network: 'mainnet' }, { towerId: `02${'33'.repeat(32)}` }]) {
    await assert.rejects(ensureStreams(nc, { ...layout, ...drift }), StreamDriftError);
    assert.deepEqual(await everything(jsm), before);
  }
});

test('every difference of every stream is named', async (t) => {
  const { nc, jsm } = await start(t);
  const subjects = ['argus.chain', 'argus.other'];
  await jsm.streams.add({ name: CHAIN, subjects, deny_delete: true, max_age: 1e15, max_msgs_per_subject: 9 });
  await jsm.streams.add({ name: TXIDS, subjects: ['argus.txids.*'], max_msgs_per_subject: 2 });
  await assert.rejects(ensureStreams(nc, layout), (error) => {
    assert.ok(error instanceof StreamDriftError);
    assert.deepEqual(error.differences, [
      'CHAIN: discard is "old", not "new"',
      'CHAIN: deny_purge is false, not true',
      'CHAIN: max_age is 1000000000000000, not 0',
      'CHAIN: max_msgs_per_subject is 9, not -1',
      'CHAIN: allow_direct is false, not true',
      'CHAIN: subjects is ["argus.chain","argus.other"], not ["argus.chain"]',
      'CHAIN: argus.network is not set, not regtest',
      'CHAIN: argus.shards is not set, not 1',
      `CHAIN: argus.tower is not set, not ${layout.towerId}`,
      'TXIDS: max_age is 0, not 1209600000000000',
      'TXIDS: max_msgs_per_subject is 2, not 1',
    ]);
    return true;
  });
  assert.deepEqual([...(await everything(jsm)).keys()].sort(), [CHAIN, TXIDS]);
});

test('two nodes may make the log at once', async (t) => {
  const { nc, jsm } = await start(t);
  await Promise.all(Array.from({ length: 4 }, () => ensureStreams(nc, { ...layout, shards: 3 })));
  assert.equal((await everything(jsm)).size, 8);
});

test('no message of the log can be deleted or purged, and no stream of it be made to allow that', async (t) => {
  const { nc, jsm } = await start(t);
  await ensureStreams(nc, layout);
  for (const [name, subject] of [
    [CHAIN, 'argus.chain'],
    ['TOWER_0', 'argus.0.scan'],
  ] as const) {
    await nc.jetstream().publish(subject, 'a message');
    await assert.rejects(jsm.streams.deleteMessage(name, 1));
    await assert.rejects(jsm.streams.deleteMessage(name, 1, false));
    await assert.rejects(jsm.streams.purge(name));
    await assert.rejects(jsm.streams.update(name, { deny_delete: false }));
    await assert.rejects(jsm.streams.update(name, { deny_purge: false }));
    assert.equal((await jsm.streams.info(name)).state.messages, 1);
  }
});
