import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Mempool } from '../../../actors/mempool-watch/mempool.js';
import { fromHex, reversed, toHex } from '../../../events/bytes.js';
import type { Locator } from '../../../events/ids.js';
import { schemes } from '../../../events/schemes/schemes.js';
import { txid } from '../../fixtures/ids.js';

const internal = (name: string) => reversed(fromHex(txid(name)));
const held = (mempool: Mempool) => Array.from(mempool.txids(), toHex).sort();

describe('the memory of the mempool', () => {
  test('finds a transaction by the hint of every scheme, as long as it is there', () => {
    const mempool = new Mempool();
    for (const name of ['one', 'two']) mempool.add(internal(name));
    for (const scheme of Object.values(schemes)) {
      const locator = toHex(scheme.hint(internal('one'))) as Locator;
      assert.deepEqual(mempool.find(scheme.name, locator), internal('one'));
      assert.equal(mempool.find(scheme.name, toHex(scheme.hint(internal('three'))) as Locator), undefined);
    }
    mempool.remove(internal('one'));
    for (const scheme of Object.values(schemes))
      assert.equal(mempool.find(scheme.name, toHex(scheme.hint(internal('one'))) as Locator), undefined);
    assert.deepEqual(held(mempool), [toHex(internal('two'))]);
  });

  test('holds each transaction once, and loses nothing it does not hold', () => {
    const mempool = new Mempool();
    for (const name of ['one', 'one', 'two']) mempool.add(internal(name));
    mempool.remove(internal('three'));
    assert.equal(mempool.size, 2);
  });

  test('tells of every arrival, of one that it holds too, until no longer asked', () => {
    const mempool = new Mempool();
    const told: string[] = [];
    const end = mempool.onAdded((txidInternal) => told.push(toHex(txidInternal)));
    mempool.add(internal('one'));
    mempool.add(internal('one'));
    end();
    mempool.add(internal('two'));
    assert.deepEqual(told, [toHex(internal('one')), toHex(internal('one'))]);
  });

  test('may be walked while it changes', () => {
    const mempool = new Mempool();
    for (const name of ['one', 'two', 'three']) mempool.add(internal(name));
    for (const txidInternal of mempool.txids()) mempool.remove(txidInternal);
    assert.equal(mempool.size, 0);
  });
});
