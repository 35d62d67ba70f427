import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, reversed, toHex } from '../../events/bytes.js';
import { Locator } from '../../events/ids.js';
import type { SchemeName } from '../../events/schemes/scheme.js';
import { schemes } from '../../events/schemes/schemes.js';
import { Watchlist } from '../../projections/watchlist.js';
import { appointmentId, txid, userId } from '../fixtures/ids.js';
import { encryption } from '../fixtures/teos-vectors.js';

const internal = (label: string) => reversed(fromHex(txid(label)));
const locatorOf = (scheme: SchemeName, label: string) => Locator.parse(toHex(schemes[scheme].hint(internal(label))));

/** A user waits for a transaction, under a scheme; the appointment is named after both. */
const watch = (list: Watchlist, user: string, scheme: SchemeName, transaction: string) =>
  list.add(scheme, locatorOf(scheme, transaction), {
    appointmentId: appointmentId(`${user} ${transaction}`),
    userId: userId(user),
  });
const unwatch = (list: Watchlist, user: string, scheme: SchemeName, transaction: string) =>
  list.remove(scheme, locatorOf(scheme, transaction), appointmentId(`${user} ${transaction}`));

const waitingFor = (list: Watchlist, transaction: string) =>
  list.lookUp(internal(transaction)).map(({ userId }) => userId);

describe('the watchlist', () => {
  test('finds who waits for a transaction, under either scheme', () => {
    const list = new Watchlist();
    watch(list, 'alice', 'teos-display', 'one');
    watch(list, 'bob', 'teos-internal', 'two');
    assert.deepEqual(list.lookUp(internal('one')), [
      { appointmentId: appointmentId('alice one'), userId: userId('alice'), locator: locatorOf('teos-display', 'one') },
    ]);
    assert.deepEqual(list.lookUp(internal('two')), [
      { appointmentId: appointmentId('bob two'), userId: userId('bob'), locator: locatorOf('teos-internal', 'two') },
    ]);
    assert.deepEqual(list.lookUp(internal('three')), []);
  });

  test('finds the transaction of the vectors, in the byte order of each generation', () => {
    const { txid: dispute, displayHint, internalHint } = encryption.rust;
    for (const [scheme, hint] of [
      ['teos-display', displayHint],
      ['teos-internal', internalHint],
    ] as const) {
      const list = new Watchlist();
      const watched = { appointmentId: appointmentId('vector'), userId: userId('alice') };
      list.add(scheme, Locator.parse(hint), watched);
      assert.deepEqual(list.lookUp(reversed(fromHex(dispute))), [{ ...watched, locator: hint }]);
      assert.deepEqual(list.lookUp(fromHex(dispute)), [], 'not in the other order');
    }
  });

  test('finds everyone who waits for the same transaction, also under different schemes', () => {
    const list = new Watchlist();
    watch(list, 'alice', 'teos-internal', 'one');
    watch(list, 'bob', 'teos-internal', 'one');
    watch(list, 'carol', 'teos-display', 'one');
    assert.deepEqual(waitingFor(list, 'one').sort(), ['alice', 'bob', 'carol'].map(userId).sort());
    unwatch(list, 'bob', 'teos-internal', 'one');
    assert.deepEqual(waitingFor(list, 'one').sort(), ['alice', 'carol'].map(userId).sort());
  });

  test('finds by locator, whatever the scheme', () => {
    const list = new Watchlist();
    watch(list, 'alice', 'teos-internal', 'one');
    watch(list, 'bob', 'teos-display', 'one');
    const found = (scheme: SchemeName) => list.byLocator(locatorOf(scheme, 'one')).map(({ userId }) => userId);
    assert.deepEqual(found('teos-internal'), [userId('alice')]);
    assert.deepEqual(found('teos-display'), [userId('bob')]);
    assert.deepEqual(list.byLocator(locatorOf('teos-display', 'two')), []);
  });

  test('counts appointments, each once', () => {
    const list = new Watchlist();
    for (const _ of [1, 2]) watch(list, 'alice', 'teos-internal', 'one');
    assert.equal(list.size, 1);
    watch(list, 'bob', 'teos-internal', 'one');
    assert.equal(list.size, 2);
    for (const _ of [1, 2]) unwatch(list, 'alice', 'teos-internal', 'one');
    assert.equal(list.size, 1);
    unwatch(list, 'nobody', 'teos-display', 'two');
    assert.equal(list.size, 1);
  });
});
