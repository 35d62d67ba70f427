import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fromHex, reversed, toHex } from '../../../events/bytes.js';
import type { Recorded, ShardCommit } from '../../../events/commit.js';
import { Locator, type TowerId } from '../../../events/ids.js';
import { schemes } from '../../../events/schemes/schemes.js';
import { BlockWindow } from '../../../projections/block-window.js';
import { ShardState } from '../../../projections/shard-state.js';
import { restoreSnapshot } from '../../../projections/snapshot/snapshot.js';
import { identityOf } from '../../../projections/user.js';
import { block, chainCommit, connected, connectedUpTo, disconnected } from '../../fixtures/blocks.js';
import { ofUser, placed } from '../../fixtures/commits.js';
import { accepted, blob, ended, outdated, registered, renewed, swept } from '../../fixtures/histories.js';
import { appointmentId, hexOf, locator, txid, userId } from '../../fixtures/ids.js';
import { randomHistory } from '../../fixtures/random-histories.js';
import { chainSubject, rewritten, snapshotOf } from '../../support/snapshots.js';

const key = fromHex(hexOf('key', 16));

function fold(commits: Iterable<Recorded<ShardCommit>>, state = new ShardState(key)): ShardState {
  for (const commit of commits) state.apply(commit);
  return state;
}

/** The appointments of random histories. */
const NAMED = Array.from({ length: 41 }, (_, n) => ({
  appointmentId: appointmentId(`${n}`),
  locator: locator(`${n % 15}`),
}));

/** All that can be asked of a state, and all that it is made of. */
function assertSame(is: ShardState, wanted: ShardState): void {
  assert.equal(JSON.stringify(is), JSON.stringify(wanted));
  assert.deepEqual(
    [is.counts, is.waiting, is.unfinished(), is.userIds, is.trackerIds, is.recentStarts.lowest],
    [wanted.counts, wanted.waiting, wanted.unfinished(), wanted.userIds, wanted.trackerIds, wanted.recentStarts.lowest],
  );
  for (const one of NAMED) {
    assert.deepEqual(is.booked(one), wanted.booked(one));
    assert.deepEqual(is.tracker(one.appointmentId), wanted.tracker(one.appointmentId));
    assert.deepEqual(is.watchlist.byLocator(one.locator), wanted.watchlist.byLocator(one.locator));
  }
  for (const user of ['alice', 'bob', 'carol']) {
    assert.deepEqual(is.user(userId(user)), wanted.user(userId(user)));
    assert.deepEqual(Array.from(is.bookedBy(userId(user))), Array.from(wanted.bookedBy(userId(user))));
  }
  assert.equal(toHex(snapshotOf(is)), toHex(snapshotOf(wanted)), 'down to what only the next events would show');
}

describe('a snapshot of a shard', () => {
  test('and the tail give what full replay gives, byte for byte, at any position', () => {
    fc.assert(
      fc.property(randomHistory(200), fc.nat(), (history, chance) => {
        const commits = placed(...history);
        const at = 1 + (chance % commits.length);
        const restored = rewritten(fold(commits.slice(0, at)));
        assertSame(restored, fold(commits.slice(0, at)));
        assertSame(fold(commits.slice(at), restored), fold(commits));
      }),
      { numRuns: 300 },
    );
  });

  test('may be taken of a state that was restored, again and again', () => {
    fc.assert(
      fc.property(randomHistory(100), fc.integer({ min: 1, max: 20 }), (history, every) => {
        const commits = placed(...history);
        let state = new ShardState(key);
        for (const commit of commits) {
          state.apply(commit);
          if (commit.position % every === 0) state = rewritten(state);
        }
        assertSame(state, fold(commits));
      }),
      { numRuns: 100 },
    );
  });

  test('does so where the columns are longer than one of their chunks, and have holes', () => {
    const many = Array.from({ length: 40_000 }, (_, n) => `${n}`);
    // A list that somebody ends something of is gone through, so that none should be long.
    const owner = (n: number) => `user ${n % 1000}`;
    const accept = (name: string, n: number) => ofUser(owner(n), accepted(name, { blob: blob(n + 1) }));
    const end = (name: string, n: number) => ofUser(owner(n), ended(name, 'resolved'));
    const history = placed(
      ...many.slice(0, 1000).map((_, n) => ofUser(owner(n), registered())),
      ...many.map(accept),
      ...many.flatMap((name, n) => (n % 3 === 0 ? [end(name, n)] : [])),
      ...many.map((name, n) => accept(`new ${name}`, n)),
      ...many.flatMap((name, n) => (n % 2 === 0 ? [end(`new ${name}`, n)] : [])),
    );
    const whole = fold(history);
    for (const at of [35_000, 80_000, history.length]) {
      const restored = rewritten(fold(history.slice(0, at)));
      assertSame(fold(history.slice(at), restored), whole);
    }
  });

  test('keeps who waits for a transaction, under the same key', () => {
    const dispute = txid('dispute');
    const state = fold(
      placed(
        ofUser('alice', registered()),
        ofUser('alice', accepted('one', { locator: locator('one') })),
        ofUser(
          'alice',
          accepted('two', {
            locator: Locator.parse(toHex(schemes['teos-internal'].hint(reversed(fromHex(dispute))))),
            blob: blob(7),
          }),
        ),
      ),
    );
    const found = rewritten(state).watchlist.lookUp(reversed(fromHex(dispute)));
    assert.deepEqual(found, [{ position: 3, blob: 7, status: 'live' }]);
  });

  test('keeps by which identity of the tower each user is served', () => {
    const [second, third] = [`02${'11'.repeat(32)}`, `03${'22'.repeat(32)}`] as [TowerId, TowerId];
    const history = placed(
      ofUser('alice', registered()),
      ofUser('bob', registered({ identity: third })),
      ofUser('carol', registered({ identity: second })),
      ofUser('dave', registered({ identity: third })),
      ofUser('bob', accepted('one')),
      ofUser('bob', renewed({ slots: 199 })),
      ofUser('dave', outdated(3000)),
      ofUser('carol', swept(1)),
    );
    const state = fold(history);
    const identities = ['alice', 'bob', 'carol', 'dave'].map((name) => identityOf(state.user(userId(name)).state));
    assert.deepEqual(identities, [undefined, third, second, third]);
    for (let at = 1; at <= history.length; at++)
      assertSame(fold(history.slice(at), rewritten(fold(history.slice(0, at)))), state);
  });

  test('shares no memory with the bytes that it was read from, nor with the state it was made of', () => {
    const state = fold(placed(ofUser('alice', registered()), ofUser('alice', accepted('one'))));
    const [before, bytes] = [JSON.stringify(state), snapshotOf(state)];
    const restored = rewritten(state);
    bytes.fill(255);
    fold([{ ...placed(ofUser('alice', ended('one', 'expired')))[0], position: 3 } as Recorded<ShardCommit>], state);
    assert.equal(JSON.stringify(restored), before);
  });
});

describe('a snapshot of the chain', () => {
  const commits = [
    [...connectedUpTo(1000, 1005)],
    [connected(1006)],
    [disconnected(1006), disconnected(1005), connected(1005, 'b', { parent: 'a' }), connected(1006, 'b')],
    [...connectedUpTo(1007, 1100, 'b')],
  ].map((events, n) => chainCommit(n + 1, ...events));

  test('and the tail give what full replay gives, byte for byte, at any position', () => {
    const whole = windowAfter(commits);
    for (let at = 1; at <= commits.length; at++) {
      const { state } = restoreSnapshot(snapshotOf(windowAfter(commits.slice(0, at))), chainSubject);
      assert(state instanceof BlockWindow);
      for (const commit of commits.slice(at)) state.apply(commit);
      assert.equal(JSON.stringify(state), JSON.stringify(whole));
      assert.deepEqual([state.root, state.tip], [whole.root, whole.tip]);
      assert.equal(state.isBest(block(1006, 'b')), true);
    }
  });
});

function windowAfter(commits: readonly ReturnType<typeof chainCommit>[]): BlockWindow {
  const window = new BlockWindow();
  for (const commit of commits) window.apply(commit);
  return window;
}
