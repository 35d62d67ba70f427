import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transaction } from 'bitcoinjs-lib';
import { z } from 'zod';
import { buildBreach, openChannels, spendPenalty } from '../../../cli/demo/channel.js';
import { RegtestChain } from '../../../cli/servers/regtest-chain.js';
import { startTestBitcoind } from '../../support/bitcoind.js';

test('many channels open in one block; a dispute, its penalty and what follows are accepted and mined', async (t) => {
  const { rpc } = await startTestBitcoind(t);
  const chain = new RegtestChain(rpc);
  const channels = await openChannels(chain, 200, 300_000n);
  assert.equal(channels.length, 200);
  assert.equal(new Set(channels.map((channel) => channel.funding.vout)).size, 200);
  const first = channels[0] ?? assert.fail();
  const last = channels[199] ?? assert.fail();
  for (const channel of [first, last]) {
    const breach = buildBreach(channel, { toSelfDelay: 42 });
    assert.equal(await chain.send(breach.disputeTx), breach.disputeTxid);
    assert.equal(await chain.send(breach.penaltyTx), breach.penaltyTxid);
    const child = await chain.send(spendPenalty(channel, breach));
    const [block] = await chain.mine();
    const { tx } = z.object({ tx: z.array(z.string()) }).parse(await rpc.call('getblock', block, 1));
    assert.deepEqual(tx.slice(1), [breach.disputeTxid, breach.penaltyTxid, child]);
  }
});

test('fees are what was asked for, and the shape is that of BOLT 3', async (t) => {
  const { rpc } = await startTestBitcoind(t);
  const [channel] = await openChannels(new RegtestChain(rpc), 1, 500_000n);
  assert.ok(channel);
  const breach = buildBreach(channel, { disputeFeeRate: 3, penaltyFeeRate: 25 });
  const dispute = Transaction.fromHex(breach.disputeTx);
  const penalty = Transaction.fromHex(breach.penaltyTx);
  const paid = (tx: Transaction) => tx.outs.reduce((sum, out) => sum + out.value, 0n);
  assertRate(500_000n - paid(dispute), dispute, 3);
  assertRate(paid(dispute) - paid(penalty), penalty, 25);
  assert.equal(dispute.locktime >>> 24, 0x20);
  assert.equal((dispute.ins[0]?.sequence ?? 0) >>> 24, 0x80);
  assert.equal(penalty.ins.length, 2);
  assert.equal(penalty.outs[0]?.value, breach.penaltySat);
  const free = Transaction.fromHex(buildBreach(channel, { disputeFeeRate: 0, penaltyFeeRate: 0 }).penaltyTx);
  assert.equal(paid(free), 500_000n);
});

/** A DER signature may be a byte shorter or longer than the one the fee was reckoned with. */
function assertRate(fee: bigint, tx: Transaction, rate: number): void {
  const actual = Number(fee) / tx.virtualSize();
  assert.ok(actual >= rate && actual < rate * 1.03, `${actual} is not ${rate}`);
}
