import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { concat, fromHex, reversed, toHex } from '../../events/bytes.js';
import { Locator } from '../../events/ids.js';
import type { SchemeName } from '../../events/schemes/scheme.js';
import { schemes } from '../../events/schemes/schemes.js';
import { emptyShelf } from '../../projections/shelf.js';
import { type Booked, Watchlist } from '../../projections/watchlist.js';
import { appointmentId, locator, txid } from '../fixtures/ids.js';
import { encryption } from '../fixtures/teos-vectors.js';

const internal = (label: string) => reversed(fromHex(txid(label)));
const locatorOf = (scheme: SchemeName, label: string) => Locator.parse(toHex(schemes[scheme].hint(internal(label))));
const live = (position: number, blob: number): Booked => ({ position, blob, status: 'live' });
const keyOf = (name: string, at = locator(name)) => ({ appointmentId: appointmentId(name), locator: at });

describe('the watchlist', () => {
  test('finds who waits for a transaction, under either scheme', () => {
    const list = new Watchlist();
    const shelf = emptyShelf();
    assert.deepEqual(list.lookUp(internal('one')), []);
    list.accept(shelf, keyOf('a', locatorOf('teos-display', 'one')), 3, 30);
    list.accept(shelf, keyOf('b', locatorOf('teos-internal', 'two')), 4, 40);
    assert.deepEqual(list.lookUp(internal('one')), [live(3, 30)]);
    assert.deepEqual(list.lookUp(internal('two')), [live(4, 40)]);
    assert.deepEqual(list.lookUp(internal('three')), []);
    assert.deepEqual(list.byLocator(locatorOf('teos-display', 'one')), [live(3, 30)]);
    assert.deepEqual(list.byLocator(locatorOf('teos-internal', 'one')), []);
  });

  test('looks a transaction up under the schemes alone that were ever in use', () => {
    const list = new Watchlist();
    const at = (scheme: SchemeName, label: string) => keyOf(label, locatorOf(scheme, label));
    list.accept(emptyShelf(), { ...at('teos-internal', 'one'), scheme: 'teos-internal' }, 1, 10);
    // As if it were hidden with the other one: its hint is the same bytes.
    list.accept(emptyShelf(), { ...at('teos-display', 'two'), scheme: 'teos-internal' }, 2, 20);
    assert.deepEqual([list.lookUp(internal('one')), list.lookUp(internal('two'))], [[live(1, 10)], []]);
    assert.deepEqual(list.lookUpAll(internal('two')), []);
    assert.deepEqual(list.save().schemes, ['teos-internal']);
    list.accept(emptyShelf(), { ...at('teos-display', 'three'), scheme: 'teos-display' }, 3, 30);
    assert.deepEqual([list.lookUp(internal('one')), list.lookUp(internal('two'))], [[live(1, 10)], [live(2, 20)]]);
    assert.equal(list.lookUpAll(internal('two')).length, 1);
    assert.deepEqual(list.save().schemes, ['teos-display', 'teos-internal']);
  });

  test('finds who waits for any of a block of transactions, and for which', () => {
    const list = new Watchlist();
    const txids = ['zero', 'one', 'two', 'three'].map(internal);
    const block = concat(...txids);
    assert.deepEqual(list.lookUpAll(block), []);
    list.accept(emptyShelf(), keyOf('a', locatorOf('teos-display', 'one')), 3, 30);
    list.accept(emptyShelf(), keyOf('b', locatorOf('teos-internal', 'one')), 4, 40);
    list.accept(emptyShelf(), keyOf('c', locatorOf('teos-internal', 'three')), 5, 50);
    list.accept(emptyShelf(), keyOf('d', locatorOf('teos-internal', 'four')), 6, 60);
    const found = list.lookUpAll(block).sort((one, other) => one.booked.position - other.booked.position);
    assert.deepEqual(found, [
      { txidInternal: txids[1], booked: live(3, 30), scheme: 'teos-display' },
      { txidInternal: txids[1], booked: live(4, 40), scheme: 'teos-internal' },
      { txidInternal: txids[3], booked: live(5, 50), scheme: 'teos-internal' },
    ]);
    assert.deepEqual(list.lookUpAll(new Uint8Array()), []);
  });

  test('finds the transaction of the vectors, in the byte order of each generation', () => {
    const { txid: dispute, displayHint, internalHint } = encryption.rust;
    for (const hint of [displayHint, internalHint]) {
      const list = new Watchlist();
      list.accept(emptyShelf(), keyOf('vector', Locator.parse(hint)), 1, 2);
      assert.deepEqual(list.lookUp(reversed(fromHex(dispute))), [live(1, 2)]);
    }
  });

  test('finds everyone who waits for the same transaction, whoever else of them ends', () => {
    const list = new Watchlist();
    const [alice, bob] = [emptyShelf(), emptyShelf()];
    const at = locatorOf('teos-internal', 'one');
    list.accept(alice, keyOf('alice', at), 1, 10);
    list.accept(bob, keyOf('bob', at), 2, 20);
    list.accept(bob, keyOf('carol', locatorOf('teos-display', 'one')), 3, 30);
    assert.deepEqual(
      list
        .lookUp(internal('one'))
        .map(({ blob }) => blob)
        .sort(),
      [10, 20, 30],
    );
    list.end(alice, appointmentId('alice'), at, 'ended');
    assert.deepEqual(
      list
        .lookUp(internal('one'))
        .map(({ blob }) => blob)
        .sort(),
      [20, 30],
    );
  });

  test('remembers what was deleted, and finds it for no transaction', () => {
    const list = new Watchlist();
    const shelf = emptyShelf();
    const key = keyOf('a', locatorOf('teos-display', 'one'));
    list.accept(shelf, key, 3, 30);
    assert.deepEqual(list.end(shelf, key.appointmentId, key.locator, { deletedAt: 4 }), live(3, 30));
    assert.deepEqual(list.get(key), { ...live(4, 30), status: 'deleted' });
    assert.deepEqual([list.lookUp(internal('one')), list.lookUpAll(internal('one'))], [[], []]);
    list.accept(shelf, key, 5, 50);
    assert.deepEqual(list.lookUp(internal('one')), [live(5, 50)]);
  });

  test('keeps positions of 35 bits, and refuses higher ones', () => {
    const list = new Watchlist();
    const [high, most] = [2 ** 32 + 5, 2 ** 35 - 1];
    list.accept(emptyShelf(), keyOf('one'), high, most);
    assert.deepEqual(list.get(keyOf('one')), live(high, most));
    list.accept(emptyShelf(), keyOf('two'), 2 ** 33, 1);
    assert.deepEqual(list.get(keyOf('two')), live(2 ** 33, 1));
    assert.throws(() => list.accept(emptyShelf(), keyOf('three'), most + 1, 1), RangeError);
  });

  test('ends many appointments of one user in the order in which they came without going through the others', () => {
    const list = new Watchlist();
    const shelf = emptyShelf();
    const keys = Array.from({ length: 100_000 }, (_, n) => keyOf(`${n}`));
    for (const [n, key] of keys.entries()) list.accept(shelf, key, n + 1, n + 1);
    // Were the list gone through for each, this would be ten thousand million steps.
    for (const { appointmentId } of keys) assert.ok(list.end(shelf, appointmentId, undefined, 'ended'));
    assert.deepEqual([list.size, shelf], [0, emptyShelf()]);
  });

  test('takes no more room for appointments that ended out of order, however many', () => {
    const list = new Watchlist();
    const shelf = emptyShelf();
    list.accept(shelf, keyOf('stays'), 1, 1);
    for (let n = 0; n < 10_000; n++) {
      list.accept(shelf, keyOf(`${n}`), n + 2, n + 2);
      list.end(shelf, appointmentId(`${n}`), locator(`${n}`), 'ended');
      assert.ok(shelf.gone < 100);
    }
    assert.deepEqual(Array.from(list.on(shelf)), [live(1, 1)]);
  });

  test('is what a map of appointments would be, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 300 }), fc.uint8Array({ minLength: 16, maxLength: 16 }), (deeds, key) => {
        const [list, plain] = [new Watchlist(key), new PlainWatchlist()];
        const shelves = Array.from({ length: USERS }, emptyShelf);
        for (const [n, { user, name, kind }] of deeds.entries()) {
          const shelf = shelves[user] ?? emptyShelf();
          // Some have the same locator; whose it is, is part of an appointment's id.
          const one = keyOf(`${user}/${name}`, locator(`${name % LOCATORS}`));
          const before = list.get(one);
          assert.deepEqual(before, plain.get(one));
          if (kind === 'accept') {
            assert.deepEqual(list.accept(shelf, one, n + 1, 2 * n + 1), before);
            plain.set(user, one, live(n + 1, 2 * n + 1));
          } else if (kind === 'forget') {
            list.forgetEnded(shelf);
            plain.forgetEnded(user);
          } else {
            const hint = name % 2 === 0 ? one.locator : undefined;
            const as = kind === 'reject' ? 'rejected' : kind === 'delete' ? { deletedAt: n + 1 } : 'ended';
            assert.deepEqual(list.end(shelf, one.appointmentId, hint, as), before);
            if (before && as === 'rejected') plain.set(user, one, { ...before, status: as });
            else if (before && as !== 'ended') plain.set(user, one, { ...before, position: n + 1, status: 'deleted' });
            else plain.delete(one);
          }
          assert.equal(list.size, plain.size);
          assert.deepEqual(Array.from(list.on(shelf)), plain.of(user));
          assert.equal(shelf.held, plain.of(user).length);
        }
        for (let at = 0; at < LOCATORS; at++)
          assert.deepEqual(byBlob(list.byLocator(locator(`${at}`))), byBlob(plain.under(locator(`${at}`))));
      }),
      { numRuns: 300 },
    );
  });
});

const USERS = 3;
const NAMES = 60;
const LOCATORS = 25;
const deed = fc.record({
  user: fc.nat({ max: USERS - 1 }),
  name: fc.nat({ max: NAMES - 1 }),
  kind: fc.constantFrom('accept', 'accept', 'accept', 'end', 'end', 'reject', 'delete', 'forget'),
});

const byBlob = (all: readonly Booked[]) => all.toSorted((a, b) => a.blob - b.blob);

interface Held {
  readonly user: number;
  readonly locator: Locator;
  readonly booked: Booked;
}

/** The same, as plainly as can be. */
class PlainWatchlist {
  readonly #held = new Map<string, Held>();

  get size(): number {
    return this.#held.size;
  }

  get({ appointmentId }: ReturnType<typeof keyOf>): Booked | undefined {
    return this.#held.get(appointmentId)?.booked;
  }

  set(user: number, { appointmentId, locator }: ReturnType<typeof keyOf>, booked: Booked): void {
    this.#held.set(appointmentId, { user, locator, booked });
  }

  delete({ appointmentId }: ReturnType<typeof keyOf>): void {
    this.#held.delete(appointmentId);
  }

  forgetEnded(of: number): void {
    for (const [id, { user, booked }] of this.#held) if (user === of && booked.status !== 'live') this.#held.delete(id);
  }

  of(wanted: number): Booked[] {
    return Array.from(this.#held.values()).flatMap(({ user, booked }) => (user === wanted ? [booked] : []));
  }

  under(wanted: Locator): Booked[] {
    return Array.from(this.#held.values()).flatMap(({ locator, booked }) =>
      locator === wanted && booked.status !== 'deleted' ? [booked] : [],
    );
  }
}
