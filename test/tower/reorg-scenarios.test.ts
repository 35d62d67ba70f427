import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mineEach, mineEmpty, replaceBy, startGuard } from '../support/breach.js';
import type { Cleanup } from '../support/temp-dir.js';
import { isInMempool, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/**
 * What the python tower calls its reorg manager that is not implemented ("dispute unknown": it only logs), and what the
 * rust tower says it does not handle (an unconfirmed penalty whose dispute was reorged out; "already in chain" as the
 * answer to a rebroadcast; reorgs while it is down).
 */
describe('a reorg, told as a story:', () => {
  test('the dispute is reorged out and mined again', async (t) => {
    const { tower, breach, disputeBlock } = await answered(t);
    await replaceBy(tower, disputeBlock, [], []);
    await breach.untilSeen('BreachReorgedOut');
    await until('both are out again', () => areInMempool(tower, breach.disputeTxid, breach.penaltyTxid));
    await mineEach(tower, [breach.disputeTx], [breach.penaltyTx]);
    await breach.untilLast('PenaltyConfirmed');
    await buried(tower, breach);
    assert.deepEqual(await breach.history(), [
      'BreachDetected by watcher',
      'PenaltyBroadcast',
      'BreachReorgedOut',
      'BreachDetected by watcher',
      'PenaltyConfirmed',
      'PenaltyIrrevocable',
    ]);
  });

  test('the dispute is reorged out before it could be answered, since bitcoind refused the penalty', async (t) => {
    const { tower, guard } = await startGuard(t);
    const breach = await guard({ penaltyFeeRate: 0 });
    const [disputeBlock] = await mineEach(tower, [breach.disputeTx]);
    assert(disputeBlock);
    await breach.untilLast('PenaltyRefused policy');
    await replaceBy(tower, disputeBlock, [], []);
    await breach.untilSeen('BreachReorgedOut');
    await until('the dispute is out again', () => areInMempool(tower, breach.disputeTxid));
    // The penalty goes after the dispute: it must have been refused again before its fee will do.
    const refusals = () => tower.said.filter(({ msg, verdict }) => msg === 'penalty sent' && verdict === 'policy');
    await until('the penalty is refused again', () => refusals().length >= 2);
    await tower.bitcoind.rpc.call('prioritisetransaction', breach.penaltyTxid, 0, 10_000);
    await mineEach(tower, [breach.disputeTx]);
    await breach.untilLast('PenaltyBroadcast');
    await mineEach(tower, [breach.penaltyTx]);
    await breach.untilLast('PenaltyConfirmed');
  });

  test('the dispute is replaced by another revoked commitment of its channel', async (t) => {
    const { tower, client, breach, guard, disputeBlock } = await answered(t);
    const other = await guard();
    await replaceBy(tower, disputeBlock, [other.disputeTx], []);
    await until('the other is answered', () => isInMempool(tower, other.penaltyTxid));
    await breach.untilLast(`PenaltyOutspent by ${other.disputeTxid}`);
    await mineEach(tower, [other.penaltyTx]);
    await other.untilLast('PenaltyConfirmed');
    await buried(tower, other);
    await breach.untilLast('OutspendIrrevocable');
    await until('both are over', async () => (await client.getSubscriptionInfo()).locators.length === 0);
  });

  test('the dispute is replaced by another revoked commitment, and comes back', async (t) => {
    const { tower, breach, guard, disputeBlock } = await answered(t);
    const other = await guard();
    const [otherBlock] = await replaceBy(tower, disputeBlock, [other.disputeTx], []);
    assert(otherBlock);
    await breach.untilLast(`PenaltyOutspent by ${other.disputeTxid}`);
    await until('the other is answered', () => isInMempool(tower, other.penaltyTxid));
    await replaceBy(tower, otherBlock, [breach.disputeTx], [breach.penaltyTx], []);
    await breach.untilLast('PenaltyConfirmed');
    await other.untilLast(`PenaltyOutspent by ${breach.disputeTxid}`);
    await buried(tower, breach);
    await other.untilLast('OutspendIrrevocable');
  });

  test('the penalty is reorged out, and its dispute stays', async (t) => {
    const { tower, breach } = await answered(t);
    const [penaltyBlock] = await mineEach(tower, [breach.penaltyTx]);
    assert(penaltyBlock);
    await breach.untilLast('PenaltyConfirmed');
    await replaceBy(tower, penaltyBlock, [], []);
    await breach.untilLast('PenaltyReorgedOut');
    await until('out again', () => areInMempool(tower, breach.penaltyTxid));
    await mineEach(tower, [breach.penaltyTx]);
    await breach.untilLast('PenaltyConfirmed');
    await buried(tower, breach);
  });

  test('both are reorged out, while the tower is down, and while its bitcoind has forgotten them', async (t) => {
    const { tower, breach, disputeBlock } = await answered(t);
    await mineEach(tower, [breach.penaltyTx], []);
    await breach.untilLast('PenaltyConfirmed');
    await tower.stopNode();
    await replaceBy(tower, disputeBlock, [], [], [], []);
    await tower.bitcoind.restart();
    await tower.restartNode();
    await until('both are out again', () => areInMempool(tower, breach.disputeTxid, breach.penaltyTxid));
    await until('the tower has noticed', async () => {
      const history = await breach.history();
      return history.includes('BreachReorgedOut') && history.includes('PenaltyReorgedOut');
    });
    await mineEach(tower, [breach.disputeTx, breach.penaltyTx]);
    await breach.untilLast('PenaltyConfirmed');
    await buried(tower, breach);
  });

  test('the penalty is mined in the block of its dispute', async (t) => {
    const { tower, client, guard } = await startGuard(t);
    const breach = await guard();
    await mineEach(tower, [breach.disputeTx, breach.penaltyTx]);
    await breach.untilLast('PenaltyConfirmed');
    await buried(tower, breach);
    assert.deepEqual(await breach.history(), [
      'BreachDetected by watcher',
      'PenaltyBroadcast',
      'PenaltyConfirmed',
      'PenaltyIrrevocable',
    ]);
    await until('the slot is back', async () => (await client.getSubscriptionInfo()).available_slots === 10_000);
  });

  test('the penalty is mined by somebody else before the tower looks', async (t) => {
    const { tower, guard } = await startGuard(t);
    const breach = await guard();
    await tower.stopNode();
    await mineEach(tower, [breach.disputeTx], [], [breach.penaltyTx], []);
    await tower.restartNode();
    await breach.untilLast('PenaltyConfirmed');
    await buried(tower, breach, 98);
  });

  test('a reorg in the middle of the 100 confirmations begins the count anew', async (t) => {
    const { tower, breach } = await answered(t);
    const [penaltyBlock] = await mineEach(tower, [breach.penaltyTx]);
    assert(penaltyBlock);
    await mineEmpty(tower, 50);
    await untilLevel(() => tower.node, tower.chain);
    await replaceBy(tower, penaltyBlock, ...Array.from({ length: 52 }, () => []));
    await breach.untilLast('PenaltyReorgedOut');
    await mineEach(tower, [breach.penaltyTx]);
    await breach.untilLast('PenaltyConfirmed');
    await mineEmpty(tower, 98);
    await untilLevel(() => tower.node, tower.chain);
    assert.equal((await breach.history()).at(-1), 'PenaltyConfirmed', '99 confirmations are not enough');
    await mineEmpty(tower, 1);
    await breach.untilLast('PenaltyIrrevocable');
  });

  test('a reorg and back to the first chain ends where it began', async (t) => {
    const { tower, breach } = await answered(t);
    const [penaltyBlock] = await mineEach(tower, [breach.penaltyTx], []);
    assert(penaltyBlock);
    await breach.untilLast('PenaltyConfirmed');
    const [rival] = await replaceBy(tower, penaltyBlock, [], [], []);
    assert(rival);
    await breach.untilLast('PenaltyReorgedOut');
    await tower.chain.invalidate(rival);
    await tower.chain.reconsider(penaltyBlock);
    await mineEmpty(tower, 3);
    await breach.untilLast('PenaltyConfirmed');
    await buried(tower, breach, 96);
    assert.ok(tower.node.chain.state.isBest({ height: await heightOf(tower, penaltyBlock), hash: penaltyBlock }));
  });

  test('two reorgs before the tower looks again are one', async (t) => {
    const { tower, breach, disputeBlock } = await answered(t);
    await tower.stopNode();
    const [second] = await replaceBy(tower, disputeBlock, [breach.disputeTx], [breach.penaltyTx], []);
    assert(second);
    await replaceBy(tower, second, [], [breach.disputeTx], [breach.penaltyTx], []);
    await tower.restartNode();
    await breach.untilLast('PenaltyConfirmed');
    await buried(tower, breach, 98);
    const { length } = (await breach.history()).filter((name) => name === 'BreachReorgedOut');
    assert.ok(length <= 1);
  });
});

type Guarded = Awaited<ReturnType<typeof answered>>;

/** A tower that has answered a breach in `disputeBlock`; the penalty is in the mempool. */
async function answered(t: Cleanup) {
  const guarded = await startGuard(t);
  const breach = await guarded.guard();
  const [disputeBlock] = await mineEach(guarded.tower, [breach.disputeTx]);
  assert(disputeBlock);
  await breach.untilLast('PenaltyBroadcast');
  return { ...guarded, breach, disputeBlock };
}

/** Mines until the penalty has 100 confirmations, of which it has one now, unless told how many are missing. */
async function buried(tower: Guarded['tower'], breach: Guarded['breach'], missing = 99): Promise<void> {
  await mineEmpty(tower, missing);
  await breach.untilLast('PenaltyIrrevocable');
  assert.deepEqual(tower.gaveUp, []);
}

async function areInMempool(tower: Guarded['tower'], ...txids: Guarded['breach']['disputeTxid'][]): Promise<boolean> {
  const found = await Promise.all(txids.map((txid) => isInMempool(tower, txid)));
  return found.every(Boolean);
}

async function heightOf({ bitcoind }: Guarded['tower'], block: Guarded['disputeBlock']) {
  return ((await bitcoind.rpc.call('getblockheader', block)) as { height: number }).height;
}
