import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, reversed, toHex } from '../../events/bytes.js';
import { decodeCommit, encodeCommit, type Recorded, type ShardCommit } from '../../events/commit.js';
import { Locator } from '../../events/ids.js';
import { schemes } from '../../events/schemes/schemes.js';
import { ShardState } from '../../projections/shard-state.js';
import type { Booked } from '../../projections/watchlist.js';
import { block, height } from '../fixtures/blocks.js';
import { ofScan, ofTracker, ofUser, placed, scanned, type Unplaced } from '../fixtures/commits.js';
import {
  accepted,
  blob,
  blobRefused,
  breached,
  ended,
  outdated,
  penaltyBroadcast,
  penaltyConfirmed,
  penaltyIrrevocable,
  registered,
  renewed,
} from '../fixtures/histories.js';
import { appointmentId, txid, userId } from '../fixtures/ids.js';

function fold(commits: Iterable<Recorded<ShardCommit>>, state = new ShardState()): ShardState {
  for (const commit of commits) state.apply(commit);
  return state;
}
const after = (...commits: Unplaced[]) => fold(placed(...commits));

const disputeInternal = reversed(fromHex(txid('dispute')));
const hint = (scheme: 'teos-display' | 'teos-internal') => Locator.parse(toHex(schemes[scheme].hint(disputeInternal)));
/** The appointment of that name, waiting for the dispute. */
const watching = (name: string, scheme: 'teos-display' | 'teos-internal' = 'teos-internal', position = 1) =>
  accepted(name, { scheme, locator: hint(scheme), blob: blob(position) });
/** The blobs of those that wait for the dispute. */
const watchersOf = (state: ShardState) => state.watchlist.lookUp(disputeInternal).map(({ blob }) => blob);
const booked = (state: ShardState, name: string) =>
  state.booked({ appointmentId: appointmentId(name), locator: hint('teos-internal') });

/** A shard's history with something of everything in it. */
const eventful = [
  ofUser('alice', registered()),
  ofScan(scanned(1000)),
  ofUser('alice', watching('one')),
  ofUser('bob', registered({ dialect: 'python' })),
  ofUser('bob', watching('two', 'teos-display')),
  ofUser('alice', accepted('three', { slots: 2, slotsLeft: 97 })),
  ofTracker('one', breached()),
  ofTracker('two', breached()),
  ofScan(scanned(1001)),
  ofTracker('two', blobRefused(1)),
  ofTracker('one', penaltyBroadcast()),
  ofUser('bob', ended('two', 'rejected')),
  ofUser('alice', renewed({ slots: 197, expiry: height(3000) })),
  ofScan(scanned(1001, 'b')),
  ofUser('alice', watching('one', 'teos-internal', 9)),
  ofUser('bob', outdated(2006)),
];

describe('a shard', () => {
  test('is empty at first', () => {
    const state = new ShardState();
    assert.deepEqual(state.counts, { users: 0, appointments: 0, trackers: 0 });
    assert.deepEqual(state.user(userId('alice')), { state: { status: 'unknown' }, version: 0 });
    assert.deepEqual(state.tracker(appointmentId('one')), { state: { stage: 'none' }, version: 0 });
    assert.equal(booked(state, 'one'), undefined);
    assert.deepEqual(Array.from(state.bookedBy(userId('alice'))), []);
    assert.equal(state.position, 0);
  });

  test('has for each aggregate its state and the position of its last commit, which an append must expect', () => {
    const state = after(...eventful);
    assert.equal(state.user(userId('alice')).version, 15);
    assert.equal(state.user(userId('bob')).version, 16);
    assert.equal(state.tracker(appointmentId('one')).version, 11);
    assert.equal(state.tracker(appointmentId('two')).version, 10);
    assert.equal(state.scanVersion, 14);
    assert.equal(state.position, 16);
    assert.deepEqual(booked(state, 'one'), { position: 15, blob: 9, status: 'live' });
    assert.equal(booked(state, 'two'), undefined);
    assert.ok(state.scans.isScanned({ ...block(1001, 'b'), position: 1001 }));
  });

  test('counts users that are not outdated, live appointments, and breaches being answered', () => {
    const counts = eventful.map((_, n) => {
      const { users, appointments, trackers } = after(...eventful.slice(0, n + 1)).counts;
      return `${users}/${appointments}/${trackers}`;
    });
    assert.deepEqual(
      counts.join(' '),
      '1/0/0 1/0/0 1/1/0 2/1/0 2/2/0 2/3/0 2/3/1 2/3/2 2/3/2 2/3/1 2/3/1 2/2/1 2/2/1 2/2/1 2/2/1 1/2/1',
    );
  });

  test('counts a user that comes back, once', () => {
    const back = [ofUser('alice', registered()), ofUser('alice', outdated(2006)), ofUser('alice', registered())];
    assert.equal(after(...back.slice(0, 2)).counts.users, 0);
    assert.equal(after(...back).counts.users, 1);
    assert.deepEqual(after(...back).userIds, [userId('alice')]);
  });

  test('lists users and trackers in the order in which they came', () => {
    const state = after(...eventful);
    assert.deepEqual(state.userIds, ['alice', 'bob'].map(userId));
    assert.deepEqual(state.trackerIds, ['one', 'two'].map(appointmentId));
    assert.deepEqual(
      Array.from(state.users(), ([id]) => id),
      state.userIds,
    );
    assert.deepEqual(
      Array.from(state.trackers(), ([id]) => id),
      state.trackerIds,
    );
  });

  test('has work with a breach that was given up when a newer blob comes for it, until that is refused too', () => {
    const dispute = breached(block(1000), { locator: hint('teos-internal') });
    const refused = [ofUser('alice', registered()), ofUser('alice', watching('one')), ofTracker('one', dispute)];
    refused.push(ofTracker('one', blobRefused(1)));
    const open = (...commits: Unplaced[]) => after(...refused, ...commits).unfinished();
    assert.deepEqual(open(), []);
    assert.deepEqual(open(ofUser('alice', ended('one', 'rejected'))), []);
    const newer = ofUser('alice', watching('one', 'teos-internal', 2));
    assert.deepEqual(open(newer), [appointmentId('one')]);
    assert.deepEqual(open(newer, ofTracker('one', penaltyBroadcast())), [appointmentId('one')]);
    assert.deepEqual(open(newer, ofTracker('one', blobRefused(2))), []);
  });

  test('has as live trackers those with work left', () => {
    const live = (...commits: Unplaced[]) =>
      Array.from(after(...commits).liveTrackers(), ([id, { stage }]) => [id, stage]);
    const one = appointmentId('one');
    const way = [breached(), penaltyBroadcast(), penaltyConfirmed(block(1001)), penaltyIrrevocable(1100)];
    assert.deepEqual(live(ofTracker('one', breached())), [[one, 'breached']]);
    assert.deepEqual(live(...eventful), [[one, 'broadcast']]);
    assert.deepEqual(live(...way.map((event) => ofTracker('one', event))), []);
  });
});

describe('what a shard watches for', () => {
  test('is every live appointment, of several users and both schemes', () => {
    const state = after(
      ofUser('alice', registered(), watching('one')),
      ofUser('bob', registered(), watching('two', 'teos-internal', 2), watching('three', 'teos-display', 3)),
    );
    assert.deepEqual(watchersOf(state).sort(), [1, 2, 3]);
  });

  test('follows an update, also to another scheme: what is watched is where the newest version is', () => {
    const newer = accepted('one', { scheme: 'teos-display', locator: hint('teos-internal'), blob: blob(2) });
    const state = after(
      ofUser('alice', registered(), watching('one')),
      ofUser('alice', renewed({ dialect: 'python' }), newer),
    );
    assert.deepEqual(state.watchlist.byLocator(hint('teos-internal')), [{ position: 2, blob: 2, status: 'live' }]);
    assert.equal(state.watchlist.size, 1);
  });

  test('ends with the appointment, whyever that ended, and begins again with it', () => {
    for (const reason of ['resolved', 'expired'] as const) {
      const over = [ofUser('alice', registered(), watching('one')), ofUser('alice', ended('one', reason))];
      assert.deepEqual(watchersOf(after(...over)), []);
      assert.deepEqual(watchersOf(after(...over, ofUser('alice', watching('one')))), [1]);
    }
  });

  test('goes on where an appointment was rejected, which does not count, until its user is forgotten', () => {
    const rejected = [ofUser('alice', registered(), watching('one')), ofUser('alice', ended('one', 'rejected'))];
    assert.deepEqual(watchersOf(after(...rejected)), [1]);
    assert.equal(after(...rejected).counts.appointments, 0);
    assert.equal(after(...rejected, ofUser('alice', watching('one'))).counts.appointments, 1);
    assert.deepEqual(watchersOf(after(...rejected, ofUser('alice', outdated(2006)))), []);
  });

  test('is known by user in the order in which it came, with the blob of its newest version', () => {
    const of = (...commits: Unplaced[]) => Array.from(after(...commits).bookedBy(userId('alice')));
    const all = ['one', 'two', 'three'].map((name, n) => accepted(name, { blob: blob(n + 1) }));
    const taken = [ofUser('alice', registered(), ...all)];
    const live = [1, 2, 3].map((blob): Booked => ({ position: 1, blob, status: 'live' }));
    assert.deepEqual(of(...taken), live);
    assert.deepEqual(
      of(...taken, ofUser('alice', accepted('two', { blob: blob(4) }))),
      live.with(1, { position: 2, blob: 4, status: 'live' }),
    );
    assert.deepEqual(
      of(...taken, ofUser('alice', ended('two', 'rejected'))),
      live.with(1, { position: 1, blob: 2, status: 'rejected' }),
    );
    for (const reason of ['resolved', 'expired'] as const)
      assert.deepEqual(of(...taken, ofUser('alice', ended('two', reason))), live.toSpliced(1, 1));
    assert.deepEqual(of(...taken, ofUser('alice', ended('two', 'rejected'), outdated(2006))), live.toSpliced(1, 1));
  });

  test('outlives the subscription while a breach is answered', () => {
    const history = [ofUser('alice', registered(), watching('one')), ofUser('alice', outdated(2006))];
    assert.deepEqual(watchersOf(after(...history)), [1]);
    assert.deepEqual(watchersOf(after(...history, ofUser('alice', ended('one', 'resolved')))), []);
  });
});

describe('two nodes with the same log', () => {
  const bytes = (state: ShardState) => JSON.stringify(state);

  test('have the same state, to the byte', () => {
    assert.equal(bytes(after(...eventful)), bytes(after(...eventful)));
  });

  test('have it whatever their secret keys are', () => {
    const states = [1, 2].map((n) => fold(placed(...eventful), new ShardState(new Uint8Array(16).fill(n))));
    assert.equal(new Set(states.map(bytes)).size, 1);
  });

  test('have it also if one of them stopped and went on in between, wherever', () => {
    const commits = placed(...eventful);
    for (let n = 0; n <= commits.length; n++) {
      const early = fold(commits.slice(0, n));
      bytes(early);
      assert.equal(bytes(fold(commits.slice(n), early)), bytes(after(...eventful)));
    }
  });

  test('have it also if one of them read it back from bytes', () => {
    const commits = placed(...eventful).map(
      (commit) => ({ ...decodeCommit(encodeCommit(commit)), position: commit.position }) as typeof commit,
    );
    assert.equal(bytes(fold(commits)), bytes(after(...eventful)));
  });

  test('have another state after any commit more', () => {
    const states = eventful.map((_, n) => bytes(after(...eventful.slice(0, n))));
    assert.equal(new Set(states).size, eventful.length);
  });

  const short = [
    ofUser('alice', registered()),
    ofScan(scanned(1000)),
    ofUser('alice', watching('one')),
    ofTracker('one', breached(block(1000), { locator: hint('teos-internal') })),
  ];
  const others = {
    'the expiry of a user': ofUser('alice', registered({ expiry: height(2001) })),
    'the block of a scan': ofScan(scanned(1000, 'b')),
    'the blob of an appointment': ofUser('alice', watching('one', 'teos-internal', 2)),
    'the block of a breach': ofTracker('one', breached(block(1000, 'b'), { locator: hint('teos-internal') })),
  };
  Object.entries(others).forEach(([what, other], n) => {
    test(`have another state where ${what} is another`, () => {
      assert.notEqual(bytes(after(...short.with(n, other))), bytes(after(...short)));
    });
  });

  test('say all that they know: also who is watched, what was accepted lately, and what was opened anew', () => {
    const state = after(
      ...short,
      ofTracker('one', blobRefused(1)),
      ofUser('alice', watching('one', 'teos-internal', 2)),
    );
    const said = JSON.parse(bytes(state));
    assert.equal(said.watchlist, 1);
    assert.deepEqual(
      said.users.map(({ appointments }: { appointments: unknown }) => appointments),
      [[{ position: state.position, blob: 2, status: 'live' }]],
    );
    assert.deepEqual(said.recentStarts, [null, state.recentStarts.lowest]);
    assert.deepEqual(said.reopened, [appointmentId('one')]);
  });
});
