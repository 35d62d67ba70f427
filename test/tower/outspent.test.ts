import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { Transaction } from 'bitcoinjs-lib';
import { spendPenalty, sweepOwnHalf } from '../../cli/demo/channel.js';
import { mineEach, mineEmpty, replaceBy, startGuard } from '../support/breach.js';
import { isInMempool, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

const idOf = (rawTx: string) => Transaction.fromHex(rawTx).getId();

describe('a penalty whose inputs are not to be had', () => {
  test('because another transaction spent one: found in its block, and given up only when that is buried', async (t) => {
    const { tower, client, channel, guard } = await startGuard(t);
    const breach = await guard();
    const rival = sweepOwnHalf(channel, breach);
    await tower.stopNode();
    await mineEach(tower, [breach.disputeTx], [], [rival]);
    await tower.restartNode();
    await breach.untilLast(`PenaltyOutspent by ${idOf(rival)}`);
    await mineEmpty(tower, 98);
    await untilLevel(() => tower.node, tower.chain);
    assert.deepEqual(await breach.history(), [
      'BreachDetected by watcher',
      'PenaltyRefused inputs-missing-or-spent',
      `PenaltyOutspent by ${idOf(rival)}`,
    ]);
    await tower.restartNode();
    await mineEmpty(tower, 1);
    await breach.untilLast('OutspendIrrevocable');
    await until('over', async () => (await client.getSubscriptionInfo()).locators.length === 0);
    assert.deepEqual(tower.gaveUp, []);
  });

  test('because another transaction spent one, and a reorg takes that out: it is answered after all', async (t) => {
    const { tower, channel, guard } = await startGuard(t);
    const breach = await guard();
    const rival = sweepOwnHalf(channel, breach);
    const [, rivalBlock] = await mineEach(tower, [breach.disputeTx], [rival]);
    assert(rivalBlock);
    await breach.untilLast(`PenaltyOutspent by ${idOf(rival)}`);
    // Of the reorged block the rival would be back in the mempool, and take precedence: the penalty is mined with it gone.
    await replaceBy(tower, rivalBlock, [breach.penaltyTx], []);
    await breach.untilLast('PenaltyConfirmed');
    assert.ok((await breach.history()).includes('OutspendReorgedOut'));
    await mineEmpty(tower, 98);
    await breach.untilLast('PenaltyIrrevocable');
  });

  test('because the penalty itself was mined, by somebody else, and its outputs spent: it is confirmed', async (t) => {
    const { tower, channel, guard } = await startGuard(t);
    const breach = await guard();
    await tower.stopNode();
    await mineEach(tower, [breach.disputeTx], [breach.penaltyTx], [spendPenalty(channel, breach)]);
    await tower.restartNode();
    await breach.untilLast('PenaltyConfirmed');
    await mineEmpty(tower, 98);
    await breach.untilLast('PenaltyIrrevocable');
    assert.equal((await breach.history()).filter((name) => name === 'PenaltyConfirmed').length, 1);
  });

  test('because another parent is in no block yet: it is never given up, and shown as stuck', async (t) => {
    const { tower, guard } = await startGuard(t);
    const breach = await guard({}, ({ penaltyTx }) => {
      const tx = Transaction.fromHex(penaltyTx);
      tx.addInput(randomBytes(32), 0);
      return tx.toHex();
    });
    await mineEach(tower, [breach.disputeTx]);
    await breach.untilLast('PenaltyRefused inputs-missing-or-spent');
    await mineEmpty(tower, 110);
    await untilLevel(() => tower.node, tower.chain);
    assert.deepEqual(await breach.history(), ['BreachDetected by watcher', 'PenaltyRefused inputs-missing-or-spent']);
    const { trackers, stuck_trackers } = (await tower.node.info()) as Record<string, unknown>;
    assert.deepEqual([trackers, stuck_trackers], [1, 1]);
  });

  test('because the dispute has no such output: it is given up at once', async (t) => {
    const { tower, guard } = await startGuard(t);
    const breach = await guard({}, ({ penaltyTx }) => {
      const tx = Transaction.fromHex(penaltyTx);
      for (const input of tx.ins) input.index += 7;
      return tx.toHex();
    });
    await mineEach(tower, [breach.disputeTx]);
    await breach.untilLast('PenaltyRefused invalid, given up');
  });

  test('because its dispute is gone for good: what took its place is found, and buried', async (t) => {
    const { tower, client, guard } = await startGuard(t);
    const [breach, other] = [await guard(), await guard()];
    const [disputeBlock] = await mineEach(tower, [breach.disputeTx]);
    assert(disputeBlock);
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    await replaceBy(tower, disputeBlock, [other.disputeTx], []);
    await breach.untilLast(`PenaltyOutspent by ${other.disputeTxid}`);
    await until('the other is answered', () => isInMempool(tower, other.penaltyTxid));
    await tower.chain.mine(100);
    await breach.untilLast('OutspendIrrevocable');
    await other.untilLast('PenaltyIrrevocable');
    await until('both are over', async () => (await client.getSubscriptionInfo()).locators.length === 0);
    assert.deepEqual(tower.gaveUp, []);
  });
});
