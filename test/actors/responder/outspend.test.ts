import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Block, Transaction } from 'bitcoinjs-lib';
import { findSpend, inputsOf, neededBy, spendsNoOutputOf } from '../../../actors/responder/outspend.js';
import { buildBreach, type Channel, sweepOwnHalf } from '../../../cli/demo/channel.js';
import { regtestKey } from '../../../cli/servers/regtest-key.js';
import type { Txid } from '../../../events/ids.js';
import { block } from '../../fixtures/blocks.js';
import { txid } from '../../fixtures/ids.js';

const funding = { txid: txid('funding'), vout: 3, sat: 1_000_000n, script: new Uint8Array() };
const channel: Channel = { funding, cheater: regtestKey(), victim: regtestKey() };
const breach = buildBreach(channel);
const penalty = { rawTx: breach.penaltyTx, disputeRawTx: breach.disputeTx };
const outputs = [0, 1].map((vout) => ({ txid: breach.disputeTxid, vout }));
const idOf = (rawTx: string) => Transaction.fromHex(rawTx).getId();

/** The raw hex of a block that holds these transactions after a coinbase. */
function blockOf(...rawTxs: string[]): string {
  const coinbase = new Transaction();
  coinbase.addInput(new Uint8Array(32), 0xffffffff);
  const made = new Block();
  made.prevHash = new Uint8Array(32);
  made.merkleRoot = new Uint8Array(32);
  made.transactions = [coinbase, ...rawTxs.map((rawTx) => Transaction.fromHex(rawTx))];
  return made.toHex();
}

describe('what a penalty needs', () => {
  test('is what it spends', () => {
    assert.deepEqual(inputsOf(breach.penaltyTx), outputs);
    assert.deepEqual(neededBy(penalty, { disputeBlock: block(1000) }), outputs);
    assert.deepEqual(neededBy({ ...penalty, disputeRawTx: null }, { disputeBlock: null }), outputs);
  });

  test('and what its dispute spends, while that is in no block', () => {
    const needed = neededBy(penalty, { disputeBlock: null });
    assert.deepEqual(needed, [...outputs, { txid: funding.txid, vout: 3 }]);
  });

  test('is never to be had where the dispute has no such output', () => {
    const dispute = { txid: breach.disputeTxid, rawTx: breach.disputeTx };
    assert.equal(spendsNoOutputOf(breach.penaltyTx, dispute), false);
    const odd = Transaction.fromHex(breach.penaltyTx);
    for (const input of odd.ins) input.index += 2;
    assert.equal(spendsNoOutputOf(odd.toHex(), dispute), true);
  });
});

describe('what spent it is found in a raw block', () => {
  const rival = sweepOwnHalf(channel, breach);
  const other = buildBreach(channel);
  const find = (raw: string, wanted = outputs) => findSpend(raw, wanted, breach.disputeTxid);

  test('with the output that it spent', () => {
    const found = { output: outputs[1], spentBy: idOf(rival) };
    assert.deepEqual(find(blockOf(other.disputeTx, rival)), found);
    assert.deepEqual(find(blockOf(breach.penaltyTx)), { output: outputs[0], spentBy: breach.penaltyTxid });
  });

  test('but for the dispute itself', () => {
    const wanted = neededBy(penalty, { disputeBlock: null });
    assert.equal(find(blockOf(breach.disputeTx), wanted), undefined);
    const found = find(blockOf(other.disputeTx), wanted);
    assert.deepEqual(found, { output: { txid: funding.txid, vout: 3 }, spentBy: other.disputeTxid });
  });

  test('or not: the same output number of another transaction, or the bytes by chance, are none', () => {
    assert.equal(find(blockOf(other.penaltyTx)), undefined);
    const [wanted] = inputsOf(rival);
    assert.ok(wanted);
    const chance = new Transaction();
    chance.addInput(new Uint8Array(32).fill(1), 0);
    const bytes = Buffer.from(Transaction.fromHex(rival).ins[0]?.hash ?? []);
    chance.addOutput(Buffer.concat([bytes, Buffer.from('01000000', 'hex')]), 1n);
    assert.equal(findSpend(blockOf(chance.toHex()), [wanted], txid('dispute') as Txid), undefined);
    assert.equal(find(blockOf()), undefined);
  });
});
