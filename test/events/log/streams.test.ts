import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiscardPolicy, type JetStreamManager, type StreamConfig } from 'nats';
import { ensureStreams, readLog } from '../../../events/log/ensure-streams.js';
import { EventLog } from '../../../events/log/log.js';
import { lineOf, StreamDriftError } from '../../../events/log/stream-drift.js';
import { CHAIN, CHECKPOINTS, hasAllMarks, POLICY, SNAPSHOTS_STREAM, TXIDS } from '../../../events/log/streams.js';
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
      'CHAIN: compression is "none", not "s2"',
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
  assert.equal((await everything(jsm)).size, 11);
});

test('no message of the log can be deleted or purged, and no stream of it be made to allow that', async (t) => {
  const { nc, jsm } = await start(t);
  await ensureStreams(nc, layout);
  for (const [name, subject] of [
    [CHAIN, 'argus.chain'],
    ['TOWER_0', 'argus.0.scan'],
    [CHECKPOINTS, 'argus.checkpoint.0'],
    [POLICY, 'argus.policy.allow-list'],
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

test('what is left open is as the log has it, and 1 when it is made', async (t) => {
  const { nc } = await start(t);
  const { network, towerId } = layout;
  const first = await ensureStreams(nc, { network, towerId, shards: 2 });
  assert.deepEqual(first, {
    layout: { network, towerId, shards: 2, replicas: 1 },
    made: ['CHAIN', 'TXIDS', 'CHECKPOINTS', 'POLICY', 'TOWER_0', 'BLOBS_0', 'TOWER_1', 'BLOBS_1', 'OBJ_SNAPSHOTS'],
    drift: [],
  });
  assert.deepEqual(await ensureStreams(nc, { network, towerId }), { ...first, made: [] });
  assert.deepEqual(await ensureStreams(nc, { network, towerId, shards: 2, replicas: 1 }), { ...first, made: [] });
});

test('who asks for other shards or replicas than the log has is told what to do', async (t) => {
  const { nc } = await start(t);
  await ensureStreams(nc, layout);
  await assert.rejects(ensureStreams(nc, { ...layout, shards: 2 }), /Shards are fixed when the log is made/);
  await assert.rejects(ensureStreams(nc, { ...layout, replicas: 3 }), /Replicas are changed by `argus migrate`/);
});

test('what does no harm is told and lived with', async (t) => {
  const { nc, jsm } = await start(t);
  await ensureStreams(nc, layout);
  await jsm.streams.update(TXIDS, { max_age: 1e15 });
  await jsm.streams.update('BLOBS_0', { max_bytes: 1e6, allow_direct: false });
  const { drift } = await ensureStreams(nc, layout);
  assert.deepEqual(drift.map(lineOf), [
    'TXIDS: max_age is 1000000000000000, not 1209600000000000',
    'BLOBS_0: max_bytes is 1000000, not -1',
    'BLOBS_0: allow_direct is false, not true',
  ]);
});

for (const [what, stream, change] of [
  ['takes blobs away after a while', 'BLOBS_0', { max_age: 1e15 }],
  [
    'takes a subject in that is not its own',
    'TOWER_0',
    { subjects: ['argus.0.user.*', 'argus.0.tracker.*', 'argus.0.scan', 'argus.0.x'] },
  ],
  ['drops its oldest messages', 'TOWER_0', { discard: DiscardPolicy.Old }],
  ['takes the messages of another stream in', 'TOWER_0', { sources: [{ name: 'OTHER' }] }],
  ['does not say that it stored something', 'TOWER_0', { no_ack: true }],
  ['takes nothing in any more', 'CHAIN', { sealed: true }],
] as const)
  test(`a stream that ${what} is refused`, async (t) => {
    const { nc, jsm } = await start(t);
    await ensureStreams(nc, layout);
    await jsm.streams.update(stream, change as Partial<StreamConfig>);
    await assert.rejects(ensureStreams(nc, layout), (error) => {
      assert.ok(error instanceof StreamDriftError);
      assert.deepEqual([error.differences.length, error.differences[0]?.startsWith(`${stream}: `)], [1, true]);
      return true;
    });
  });

test('a stream that was lost is not made again as if nothing had been in it; that of the txids is', async (t) => {
  const { nc, jsm } = await start(t);
  await ensureStreams(nc, layout);
  await jsm.streams.delete(TXIDS);
  assert.deepEqual((await ensureStreams(nc, layout)).made, [TXIDS]);
  await nc.jetstream().publish('argus.0.scan', 'a message');
  for (const name of ['BLOBS_0', CHAIN]) {
    await jsm.streams.delete(name);
    const before = await everything(jsm);
    await assert.rejects(ensureStreams(nc, layout), (error) => {
      assert.ok(error instanceof StreamDriftError);
      assert.equal(error.differences.at(-1), 'BLOBS_0 is missing, with all that it held');
      return true;
    });
    assert.deepEqual(await everything(jsm), before);
  }
});

test('a log that was left half made is made whole', async (t) => {
  const { nc, jsm } = await start(t);
  const made = await ensureStreams(nc, layout);
  await jsm.streams.delete(CHAIN); // as if it had not come to that: it is made last
  await jsm.streams.delete('BLOBS_0');
  assert.deepEqual(await ensureStreams(nc, layout), { ...made, made: [CHAIN, 'BLOBS_0'] });
});

test('a log that is older than its snapshots gets a place for them, as it does when that is lost', async (t) => {
  const { nc, jsm } = await start(t);
  await ensureStreams(nc, layout);
  await nc.jetstream().publish('argus.chain', 'a message');
  await jsm.streams.delete(SNAPSHOTS_STREAM);
  assert.deepEqual((await ensureStreams(nc, layout)).made, [SNAPSHOTS_STREAM]);
  await jsm.streams.update(SNAPSHOTS_STREAM, { max_age: 1e15 });
  const { drift } = await ensureStreams(nc, layout);
  assert.deepEqual(drift.map(lineOf), ['OBJ_SNAPSHOTS: max_age is 1000000000000000, not 0']);
});

/** The streams that came later than the first version, and what CHAIN says of a log that has them. */
const LATER = [
  [CHECKPOINTS, 'argus.heads'],
  [POLICY, 'argus.policy'],
] as const;

/** A log as it was made before there was a stream. */
async function makeOldLog(t: Cleanup, [stream, mark]: (typeof LATER)[number]) {
  const { nc, jsm } = await start(t);
  await ensureStreams(nc, layout);
  const { metadata = {} } = (await jsm.streams.info(CHAIN)).config;
  const { [mark]: _, ...old } = metadata;
  await jsm.streams.update(CHAIN, { metadata: old });
  await jsm.streams.delete(stream);
  await nc.jetstream().publish('argus.0.scan', 'a message');
  return { nc, jsm };
}

for (const later of LATER) {
  const [stream] = later;
  test(`a log that was made before there was a ${stream} gets that stream, and then knows that it has it`, async (t) => {
    const { nc, jsm } = await makeOldLog(t, later);
    const made = await Promise.all(Array.from({ length: 3 }, () => ensureStreams(nc, layout)));
    assert.ok(made.some((log) => log.made.includes(stream)));
    assert.ok(hasAllMarks((await jsm.streams.info(CHAIN)).config));
    assert.deepEqual((await ensureStreams(nc, layout)).made, []);

    await jsm.streams.delete(stream);
    await assert.rejects(ensureStreams(nc, layout), (error) => {
      assert.ok(error instanceof StreamDriftError);
      assert.deepEqual(error.differences, [`${stream} is missing, with all that it held`]);
      return true;
    });
  });

  test(`a node that dies before it says that there is a ${stream} is no harm: the next one says it`, async (t) => {
    const { nc, jsm } = await makeOldLog(t, later);
    const [wanted] = (await readLog(jsm, layout)).streams.filter(({ wanted }) => wanted.name === stream);
    await jsm.streams.add(wanted?.wanted ?? assert.fail());
    assert.deepEqual((await ensureStreams(nc, layout)).made, []);
    assert.ok(hasAllMarks((await jsm.streams.info(CHAIN)).config));
  });
}
