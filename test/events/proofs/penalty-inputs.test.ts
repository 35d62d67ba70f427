import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Transaction } from 'bitcoinjs-lib';
import {
  type BreachOptions,
  buildBreach,
  type Channel,
  sweepDelayed,
  sweepOwnHalf,
} from '../../../cli/demo/channel.js';
import { regtestKey } from '../../../cli/servers/regtest-key.js';
import { createsMoney, spentOf, takingOf, unlockedAt } from '../../../events/proofs/penalty-inputs.js';
import { txid } from '../../fixtures/ids.js';

const victim = regtestKey();
const funding = { txid: txid('funding'), vout: 0, sat: 1_000_000n, script: new Uint8Array() };
const channel: Channel = { funding, cheater: regtestKey(), victim };
const delayed = regtestKey();

/** A commitment, and how a transaction takes its outputs. */
function world(options: BreachOptions = {}) {
  const breach = buildBreach(channel, { delayed, ...options });
  const dispute = Transaction.fromHex(breach.disputeTx);
  const penalty = Transaction.fromHex(breach.penaltyTx);
  const takings = (tx: Transaction) => spentOf(tx, dispute).map((spent) => takingOf(tx, spent, dispute));
  return { breach, dispute, penalty, takings, ofRaw: (raw: string) => takings(Transaction.fromHex(raw)) };
}

describe('how the outputs of a commitment are taken', () => {
  test('by a penalty: with the revocation key, and with the key that the other half belongs to', () => {
    const { penalty, takings, dispute } = world();
    assert.deepEqual(takings(penalty), ['with the revocation key', 'with a key']);
    assert.equal(createsMoney(penalty, spentOf(penalty, dispute), dispute), false);
  });

  test('by the cheater after the delay, and by the victim', () => {
    const { breach, ofRaw } = world();
    assert.deepEqual(ofRaw(sweepDelayed(breach, delayed, 144)), ['after the delay']);
    assert.deepEqual(ofRaw(sweepDelayed(breach, regtestKey(), 144)), ['not validly'], 'another key');
    assert.deepEqual(ofRaw(sweepOwnHalf(channel, breach)), ['with a key']);
  });

  test('not validly, where a witness is missing, or does not sign', () => {
    assert.deepEqual(
      world({ flaw: 'no-witness' }).takings(world().penalty),
      [],
      'of another commitment it takes nothing',
    );
    const { penalty, takings } = world({ flaw: 'no-witness' });
    assert.deepEqual(takings(penalty), ['not validly', 'not validly']);
    const wrong = world({ flaw: 'wrong-key' });
    assert.deepEqual(wrong.takings(wrong.penalty), ['not validly', 'with a key']);
    const other = world();
    other.penalty.outs[0] = { script: delayed.p2wpkh, value: 1n };
    assert.deepEqual(other.takings(other.penalty), ['not validly', 'not validly'], 'signed for other outputs');
    const nonsense = world();
    nonsense.penalty.setWitness(1, [Uint8Array.of(1), Uint8Array.of(2)]);
    assert.deepEqual(nonsense.takings(nonsense.penalty), ['with the revocation key', 'not validly']);
    nonsense.penalty.setWitness(0, [Uint8Array.of(1), Uint8Array.of(1), Uint8Array.of(0x51)]);
    assert.deepEqual(nonsense.takings(nonsense.penalty)[0], 'not validly', 'another script');
  });

  test('by a script that is neither, unknown', () => {
    const { dispute, penalty, takings } = world();
    for (const out of dispute.outs) out.script = Uint8Array.of(0x51, 32, ...new Uint8Array(32).fill(2));
    for (const input of penalty.ins) input.hash = dispute.getHash();
    assert.deepEqual(takings(penalty), ['unknown', 'unknown']);
  });

  test('and from which height on', () => {
    const { penalty, breach } = world();
    assert.equal(unlockedAt(penalty, 1000), 1000);
    assert.equal(unlockedAt(Transaction.fromHex(sweepDelayed(breach, delayed, 144)), 1000), 1144);
    assert.equal(unlockedAt(world({ flaw: 'not-yet-final' }).penalty, 1000), 400_000_001);
    penalty.locktime = 1_700_000_000;
    assert.equal(unlockedAt(penalty, 1000), undefined);
  });

  test('and whether more is paid out than was there', () => {
    const { penalty, dispute } = world({ flaw: 'creates-money' });
    assert.equal(createsMoney(penalty, spentOf(penalty, dispute), dispute), true);
    penalty.addInput(new Uint8Array(32).fill(1), 0);
    assert.equal(
      createsMoney(penalty, spentOf(penalty, dispute), dispute),
      false,
      'another input may have paid for it',
    );
  });
});
