import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Transaction } from 'bitcoinjs-lib';
import { concat, fromHex, reversed, toHex, utf8 } from '../../../events/bytes.js';
import { openPenalty, parsePenalty } from '../../../events/schemes/penalty.js';
import { schemes } from '../../../events/schemes/schemes.js';
import { encryption, exchange } from '../../fixtures/teos-vectors.js';
import { pseudoRandom } from '../signing/curves.js';

const { rust } = encryption;
const disputeInternal = reversed(fromHex(rust.txid));
const internalScheme = schemes['teos-internal'];

/** A transaction of version 2 with one input, `dispute`'s output 1, and one output; with a witness if asked. */
function penaltyOf(dispute: Uint8Array, witness: boolean): Transaction {
  const transaction = new Transaction();
  transaction.version = 2;
  transaction.addInput(dispute, 1, 0xfffffffd);
  transaction.addOutput(fromHex('0014'.padEnd(44, 'a')), 12_345n);
  if (witness) transaction.setWitness(0, [utf8('signature'), new Uint8Array(0), utf8('script')]);
  return transaction;
}

describe('penalties', () => {
  test("the rust generation's", () => {
    const expected = {
      txid: rust.penaltyTxid,
      rawTx: rust.penalty,
      inputs: [{ txid: '00'.repeat(32), vout: 0xffffffff }],
    };
    assert.deepEqual(parsePenalty(fromHex(rust.penalty)), expected);
    assert.deepEqual(openPenalty(internalScheme, fromHex(rust.blob), disputeInternal), expected);
  });

  test('the wrong scheme, the wrong transaction and an altered blob give none', () => {
    const blob = fromHex(rust.blob);
    assert.equal(openPenalty(schemes['teos-display'], blob, disputeInternal), undefined);
    assert.equal(openPenalty(internalScheme, blob, reversed(disputeInternal)), undefined);
    assert.equal(openPenalty(internalScheme, reversed(blob), disputeInternal), undefined);
  });

  for (const witness of [true, false]) {
    test(`one that spends a breach, ${witness ? 'with' : 'without'} a witness`, () => {
      const transaction = penaltyOf(disputeInternal, witness);
      const blob = internalScheme.seal(transaction.toBuffer(), disputeInternal);
      assert.deepEqual(openPenalty(internalScheme, blob, disputeInternal), {
        txid: transaction.getId(),
        rawTx: transaction.toHex(),
        inputs: [{ txid: rust.txid, vout: 1 }],
      });
    });
  }

  test('inputs keep their order', () => {
    const transaction = penaltyOf(disputeInternal, false);
    transaction.addInput(pseudoRandom('input', 0), 0);
    const parsed = parsePenalty(transaction.toBuffer());
    assert.deepEqual(parsed?.inputs, [
      { txid: rust.txid, vout: 1 },
      { txid: toHex(reversed(pseudoRandom('input', 0))), vout: 0 },
    ]);
  });

  test('every version, sequence, lock time and amount comes through', () => {
    const transaction = penaltyOf(disputeInternal, true);
    transaction.version = 0xffffffff;
    transaction.locktime = 0xffffffff;
    transaction.addOutput(new Uint8Array(0), 2_100_000_000_000_000n);
    assert.equal(parsePenalty(transaction.toBuffer())?.rawTx, transaction.toHex());
  });

  test('what opens but is no transaction gives none', () => {
    const blob = internalScheme.seal(fromHex(exchange.plaintext), disputeInternal);
    assert.ok(internalScheme.open(blob, disputeInternal));
    assert.equal(openPenalty(internalScheme, blob, disputeInternal), undefined);
    assert.equal(parsePenalty(fromHex(encryption.python.plaintext)), undefined);
  });

  test('bytes left over, and any cut, give none', () => {
    for (const whole of [fromHex(rust.penalty), penaltyOf(disputeInternal, false).toBuffer()]) {
      assert.ok(parsePenalty(whole));
      assert.equal(parsePenalty(concat(whole, Uint8Array.of(0))), undefined);
      assert.equal(parsePenalty(concat(whole, whole)), undefined);
      for (let length = 0; length < whole.length; length++) {
        assert.equal(parsePenalty(whole.subarray(0, length)), undefined, `${length} bytes`);
      }
    }
  });

  test('no inputs, or no outputs, give none', () => {
    const noOutputs = new Transaction();
    noOutputs.addInput(disputeInternal, 0);
    assert.equal(parsePenalty(noOutputs.toBuffer()), undefined);
    const noInputs = new Transaction();
    noInputs.addOutput(new Uint8Array(0), 1n);
    assert.equal(parsePenalty(noInputs.toBuffer()), undefined);
    noInputs.addOutput(new Uint8Array(0), 2n);
    assert.equal(parsePenalty(noInputs.toBuffer()), undefined, 'with one output it reads as the mark of a witness');
    assert.equal(parsePenalty(new Transaction().toBuffer()), undefined);
  });

  test('a spelling that does not come out again gives none', () => {
    const hex = penaltyOf(disputeInternal, false).toHex();
    assert.ok(hex.startsWith('0200000001'));
    const longCount = `02000000fd0100${hex.slice(10)}`;
    assert.equal(parsePenalty(fromHex(longCount)), undefined, 'one input, counted in three bytes');
    const emptyWitness = `020000000001${hex.slice(8, -8)}00${hex.slice(-8)}`;
    assert.equal(parsePenalty(fromHex(emptyWitness)), undefined, 'marked as having a witness, without one');
  });

  test('a count of inputs that no bytes follow gives none, at once', () => {
    assert.equal(parsePenalty(fromHex('02000000ffffffffffffffffff')), undefined);
    assert.equal(parsePenalty(fromHex('02000000feffffffff00')), undefined);
  });

  test('pseudo-random bytes, and every transaction with one byte altered, never throw', () => {
    for (let n = 0; n < 300; n++) assert.equal(parsePenalty(pseudoRandom('not a transaction', n)), undefined);
    const whole = fromHex(rust.penalty);
    for (let at = 0; at < whole.length; at++) {
      const altered = Uint8Array.from(whole, (byte, n) => (n === at ? byte ^ 0xff : byte));
      const parsed = parsePenalty(altered);
      assert.ok(parsed === undefined || parsed.rawTx === toHex(altered));
    }
  });
});
