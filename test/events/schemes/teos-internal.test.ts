import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, reversed, toHex } from '../../../events/bytes.js';
import { teosDisplay } from '../../../events/schemes/teos-display.js';
import { teosInternal } from '../../../events/schemes/teos-internal.js';
import { encryption, exchange } from '../../fixtures/teos-vectors.js';

const internal = (displayTxid: string) => reversed(fromHex(displayTxid));
const dispute = internal(exchange.disputeTxid);

describe('teosInternal', () => {
  test('hints', () => {
    assert.equal(toHex(teosInternal.hint(internal(encryption.rust.txid))), encryption.rust.internalHint);
    assert.equal(toHex(teosInternal.hint(dispute)), exchange.rust.locator);
  });

  test("the rust generation's own vector, both ways", () => {
    const { txid, penalty, blob } = encryption.rust;
    assert.equal(toHex(teosInternal.seal(fromHex(penalty), internal(txid))), blob);
    assert.deepEqual(teosInternal.open(fromHex(blob), internal(txid)), fromHex(penalty));
    assert.equal(teosDisplay.open(fromHex(blob), internal(txid)), undefined, 'the key of the wrong order');
  });

  test('the derived vector, both ways', () => {
    assert.equal(toHex(teosInternal.seal(fromHex(exchange.plaintext), dispute)), exchange.rust.blob);
    assert.deepEqual(teosInternal.open(fromHex(exchange.rust.blob), dispute), fromHex(exchange.plaintext));
  });

  test("the other generation's blob, another transaction and an altered blob do not open", () => {
    assert.equal(teosInternal.open(teosDisplay.seal(fromHex(exchange.plaintext), dispute), dispute), undefined);
    const blob = fromHex(exchange.rust.blob);
    assert.equal(teosInternal.open(blob, internal(encryption.python.txid)), undefined);
    assert.equal(teosInternal.open(blob, reversed(dispute)), undefined, 'the same txid in the wrong order');
    assert.equal(teosInternal.open(reversed(blob), dispute), undefined);
  });
});
