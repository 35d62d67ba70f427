import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RecentBlocks } from '../../../actors/locator-cache/recent-blocks.js';
import { fromHex, reversed, toHex } from '../../../events/bytes.js';
import { Locator } from '../../../events/ids.js';
import { SchemeName } from '../../../events/schemes/scheme.js';
import { schemes } from '../../../events/schemes/schemes.js';
import { block } from '../../fixtures/blocks.js';
import { txid } from '../../fixtures/ids.js';
import { encryption } from '../../fixtures/teos-vectors.js';

const internal = (label: string) => reversed(fromHex(txid(label)));
const locatorOf = (scheme: SchemeName, label: string) => Locator.parse(toHex(schemes[scheme].hint(internal(label))));

/** Blocks that hold these transactions, from height 1000 on. */
function recent(...transactions: string[][]): RecentBlocks {
  const blocks = new RecentBlocks();
  transactions.forEach((labels, n) => {
    blocks.add(block(1000 + n), labels.map(internal));
  });
  return blocks;
}

const heights = (blocks: RecentBlocks) => blocks.blocks.map(({ height }) => height);

describe('the recent blocks', () => {
  test("find a transaction by either generation's locator, with its block", () => {
    const blocks = recent(['one', 'two'], ['three']);
    for (const scheme of SchemeName.options) {
      assert.deepEqual(blocks.find(scheme, locatorOf(scheme, 'two')), {
        txidInternal: internal('two'),
        block: block(1000),
      });
      assert.deepEqual(blocks.find(scheme, locatorOf(scheme, 'three'))?.block, block(1001));
    }
  });

  test('find the transaction of the vectors', () => {
    const { txid: dispute, displayHint, internalHint } = encryption.rust;
    const blocks = new RecentBlocks();
    blocks.add(block(1000), [reversed(fromHex(dispute))]);
    assert.ok(blocks.find('teos-display', Locator.parse(displayHint)));
    assert.ok(blocks.find('teos-internal', Locator.parse(internalHint)));
  });

  test("do not find it by the other generation's locator, nor what is in no block", () => {
    const blocks = recent(['one']);
    assert.equal(blocks.find('teos-display', locatorOf('teos-internal', 'one')), undefined);
    assert.equal(blocks.find('teos-internal', locatorOf('teos-display', 'one')), undefined);
    assert.equal(blocks.find('teos-internal', locatorOf('teos-internal', 'none')), undefined);
    assert.equal(recent().find('teos-internal', locatorOf('teos-internal', 'one')), undefined);
  });

  test('are listed lowest first, in whatever order they came', () => {
    const blocks = recent();
    for (const at of [1002, 1000, 1001]) blocks.add(block(at), []);
    assert.deepEqual(heights(blocks), [1000, 1001, 1002]);
  });

  test('are held once, however often they are added', () => {
    const blocks = recent(['one']);
    blocks.add(block(1000), [internal('one')]);
    assert.deepEqual(heights(blocks), [1000]);
    assert.ok(blocks.has(block(1000).hash));
    assert.ok(!blocks.has(block(1000, 'b').hash));
  });

  test('are forgotten with what they held', () => {
    const blocks = recent(['one'], ['two'], ['three']);
    blocks.keepOnly([block(1001), block(1002)]);
    assert.deepEqual(heights(blocks), [1001, 1002]);
    assert.equal(blocks.find('teos-internal', locatorOf('teos-internal', 'one')), undefined);
    assert.ok(blocks.find('teos-internal', locatorOf('teos-internal', 'two')));
  });

  test('after a reorg name the block that a transaction is in now', () => {
    const blocks = recent(['one'], ['two']);
    blocks.add(block(1001, 'b'), [internal('three'), internal('two')]);
    blocks.keepOnly([block(1000), block(1001, 'b')]);
    assert.deepEqual(blocks.find('teos-internal', locatorOf('teos-internal', 'two'))?.block, block(1001, 'b'));
  });
});
