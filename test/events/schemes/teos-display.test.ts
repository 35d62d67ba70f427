import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, reversed, toHex } from '../../../events/bytes.js';
import { teosDisplay } from '../../../events/schemes/teos-display.js';
import { teosInternal } from '../../../events/schemes/teos-internal.js';
import { encryption, exchange } from '../../fixtures/teos-vectors.js';

const internal = (displayTxid: string) => reversed(fromHex(displayTxid));
const dispute = internal(exchange.disputeTxid);

describe('teosDisplay', () => {
  test('hints', () => {
    assert.equal(toHex(teosDisplay.hint(internal(encryption.rust.txid))), encryption.rust.displayHint);
    assert.equal(toHex(teosDisplay.hint(dispute)), exchange.python.locator);
  });

  test("the python generation's own vector, both ways", () => {
    const { txid, plaintext, blob } = encryption.python;
    assert.equal(toHex(teosDisplay.seal(fromHex(plaintext), internal(txid))), blob);
    assert.deepEqual(teosDisplay.open(fromHex(blob), internal(txid)), fromHex(plaintext));
  });

  test('the derived vector, both ways', () => {
    assert.equal(toHex(teosDisplay.seal(fromHex(exchange.plaintext), dispute)), exchange.python.blob);
    assert.deepEqual(teosDisplay.open(fromHex(exchange.python.blob), dispute), fromHex(exchange.plaintext));
  });

  test("the other generation's blob, another transaction and an altered blob do not open", () => {
    assert.equal(teosDisplay.open(teosInternal.seal(fromHex(exchange.plaintext), dispute), dispute), undefined);
    const blob = fromHex(exchange.python.blob);
    assert.equal(teosDisplay.open(blob, internal(encryption.python.txid)), undefined);
    assert.equal(teosDisplay.open(blob, reversed(dispute)), undefined, 'the same txid in the wrong order');
    assert.equal(teosDisplay.open(reversed(blob), dispute), undefined);
  });
});
