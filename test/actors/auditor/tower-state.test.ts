import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BookedList, readBooked } from '../../../actors/auditor/booked-list.js';
import { StateBefore } from '../../../actors/auditor/state-diff.js';
import { shardRows, tipRow, trackerRows, userRows } from '../../../actors/auditor/state-rows.js';
import { TowerFold } from '../../../actors/auditor/tower-fold.js';
import type { Recorded } from '../../../events/commit.js';
import type { Shard } from '../../../events/ids.js';
import { ShardState } from '../../../projections/shard-state.js';
import { chainCommit, connected, height } from '../../fixtures/blocks.js';
import { ofScan, ofTracker, ofUser, placed, scanned } from '../../fixtures/commits.js';
import {
  accepted,
  blob,
  blobRefused,
  breached,
  ended,
  outdated,
  penaltyBroadcast,
  registered,
  renewed,
} from '../../fixtures/histories.js';
import { appointmentId, userId } from '../../fixtures/ids.js';
import { MemorySource } from '../../support/memory-source.js';

const commits = placed(
  ofUser('alice', registered()),
  ofUser('alice', accepted('one')),
  ofUser('bob', registered({ dialect: 'python' })),
  ofUser('bob', accepted('two', { blob: blob(2) })),
  ofScan(scanned(1000, 'a', 1)),
  ofUser('alice', accepted('channel', { blob: blob(3), slotsLeft: 98 })),
  ofTracker('channel', breached()),
  ofTracker('channel', penaltyBroadcast()),
  ofUser('alice', accepted('one', { blob: blob(4), slotsLeft: 98 })),
  ofUser('alice', renewed({ slots: 198, expiry: height(3000) })),
  ofTracker('two', breached()),
  ofTracker('two', blobRefused(2)),
  ofUser('bob', ended('two', 'rejected')),
  ofUser('carol', registered()),
  ofUser('carol', accepted('three', { blob: blob(5) })),
  ofUser('carol', accepted('four', { blob: blob(6) })),
  ofUser('bob', outdated(2006)),
  ofUser('carol', ended('four', 'expired')),
);
const source = new MemorySource([chainCommit(1, connected(1000)), chainCommit(2, connected(1001))], commits);
const way = { signal: new AbortController().signal };

async function foldedTo(position: number, chain = 2): Promise<TowerFold> {
  const fold = new TowerFold(source);
  await fold.foldTo({ chain, shards: [position] }, way);
  return fold;
}

async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('the state of a tower at a place of its log', () => {
  test('is what a node that had read so far would know, to the byte', async () => {
    const node = new ShardState();
    for (const commit of commits.slice(0, 12)) node.apply(commit as Recorded as (typeof commits)[number]);
    const fold = await foldedTo(12);
    assert.equal(JSON.stringify(fold.shards[0]), JSON.stringify(node));
    assert.equal(fold.chain.tip?.height, 1001);
  });

  test('is the same whether it is reached at once or in steps', async () => {
    const fold = await foldedTo(5);
    await fold.foldTo({ chain: 2, shards: [18] }, way);
    assert.equal(JSON.stringify(fold.shards[0]), JSON.stringify((await foldedTo(18)).shards[0]));
  });

  test('is told as rows of its tip, shards, users, appointments and trackers', async () => {
    const fold = await foldedTo(13);
    assert.equal(tipRow(fold.chain).height, 1001);
    assert.deepEqual(Array.from(shardRows(fold)), [
      { kind: 'shard', shard: 0, position: 13, scanned_height: 1000, users: 2, appointments: 2, trackers: 1 },
    ]);
    const [alice, bob, ...others] = userRows(fold);
    assert.deepEqual([alice?.available_slots, alice?.subscription_expiry, alice?.appointments], [198, 3000, 2]);
    assert.deepEqual([bob?.status, bob?.dialect, bob?.appointments, others.length], ['registered', 'python', 1, 0]);
    assert.deepEqual(
      Array.from(trackerRows(fold), ({ stage }) => stage),
      ['broadcast', 'blob-refused'],
    );
    const state = fold.shards[0];
    assert(state);
    const rows = await listed(readBooked(source, 0 as Shard, new BookedList(state), way));
    assert.deepEqual(
      rows.map(([row, { status }]) => [row.appointment_id, row.user_id, row.position, status]),
      [
        [appointmentId('two'), userId('bob'), 4, 'rejected'],
        [appointmentId('channel'), userId('alice'), 6, 'live'],
        [appointmentId('one'), userId('alice'), 9, 'live'],
      ],
    );
  });

  test('is told of one user alone', async () => {
    const fold = await foldedTo(13);
    assert.deepEqual(
      Array.from(userRows(fold, userId('bob')), ({ user_id }) => user_id),
      [userId('bob')],
    );
    assert.equal(Array.from(userRows(fold, userId('nobody'))).length, 0);
    assert.deepEqual(
      Array.from(trackerRows(fold, userId('alice')), ({ appointment_id }) => appointment_id),
      [appointmentId('channel'), appointmentId('two')],
      'the fixture has both breaches be of alice',
    );
  });

  test('calls a subscription expired at its last block and until its time of grace is over', async () => {
    const short = new MemorySource(
      [chainCommit(1, connected(1000))],
      placed(
        ofUser('alice', registered({ expiry: height(1000) })),
        ofUser('bob', registered({ expiry: height(1001) })),
      ),
    );
    const fold = new TowerFold(short);
    await fold.foldTo({ chain: 1, shards: [2] }, way);
    assert.deepEqual(
      Array.from(userRows(fold), ({ status }) => status),
      ['expired', 'registered'],
    );
  });
});

describe('the difference between two places', () => {
  const between = async (from: number, to: number, only?: string) => {
    const fold = await foldedTo(from, 1);
    const before = new StateBefore(fold, only === undefined ? undefined : userId(only));
    await fold.foldTo({ chain: 2, shards: [to] }, way);
    return listed(before.changesTo(fold, source, way));
  };
  const toldOf = (kind: string, changes: Awaited<ReturnType<typeof between>>) =>
    changes.filter((change) => change.kind === kind).map(({ change }) => change);

  test('is what changed of tip, users, appointments and trackers, and how it was before', async () => {
    const changes = await between(6, 18);
    assert.deepEqual(toldOf('tip', changes), ['moved']);
    assert.deepEqual(toldOf('user', changes), ['changed', 'changed', 'registered']);
    assert.deepEqual(toldOf('tracker', changes), ['begun', 'begun']);
    const appointments = changes.filter((change) => change.kind === 'appointment');
    assert.deepEqual(
      appointments.map(({ change, before, after }) => [change, before?.position, after?.position]),
      [
        ['replaced', 2, 9],
        ['accepted', undefined, 15],
        ['ended', 4, undefined],
      ],
    );
    const bob = changes.find(
      ({ kind, before }) => kind === 'user' && before?.kind === 'user' && before.dialect === 'python',
    );
    assert.deepEqual(bob?.after?.kind === 'user' && bob.after.status, 'outdated');
  });

  test('tells an appointment that was rejected from one that ended', async () => {
    const changes = await between(6, 13);
    const rejected = changes.find(({ change }) => change === 'rejected');
    assert.deepEqual(rejected?.kind === 'appointment' && [rejected.before?.status, rejected.after?.status], [
      'live',
      'rejected',
    ]);
  });

  test('is nothing between a place and itself, and all there is from the beginning', async () => {
    const fold = await foldedTo(12);
    assert.deepEqual(await listed(new StateBefore(fold).changesTo(fold, source, way)), []);
    assert.deepEqual(toldOf('user', await between(0, 18)), ['registered', 'registered', 'registered']);
  });

  test('is told of one user alone', async () => {
    const changes = await between(6, 18, 'carol');
    assert.deepEqual(toldOf('user', changes), ['registered']);
    assert.deepEqual(toldOf('appointment', changes), ['accepted']);
    assert.deepEqual(toldOf('tracker', changes), []);
  });
});
