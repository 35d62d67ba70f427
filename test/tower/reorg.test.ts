import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import type { BlockHash } from '../../events/ids.js';
import { historyTypes, isInMempool, startTestTower, type TestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

describe('a reorg', () => {
  test('that takes the penalty out: it is broadcast again and buried', async (t) => {
    const { tower, breach, types } = await punishedBreach(t);
    const [penaltyBlock] = await tower.chain.mine();
    await until('confirmed', async () => (await types()).at(-1) === 'PenaltyConfirmed');
    await replaceBy(tower, penaltyBlock, 2);
    await until('reorged out', async () => (await types()).includes('PenaltyReorgedOut'));
    await until('in the mempool again', () => isInMempool(tower, breach.penaltyTxid));
    await tower.chain.mine(100);
    await until('irrevocable', async () => (await types()).at(-1) === 'PenaltyIrrevocable');
    assert.deepEqual(await types(), [
      'BreachDetected by watcher',
      'PenaltyBroadcast',
      'PenaltyConfirmed',
      'PenaltyReorgedOut',
      'PenaltyConfirmed',
      'PenaltyIrrevocable',
    ]);
  });

  test('that takes dispute and penalty out: both are broadcast again', async (t) => {
    const { tower, breach, types, disputeBlock } = await punishedBreach(t);
    await tower.chain.mine();
    await until('confirmed', async () => (await types()).at(-1) === 'PenaltyConfirmed');
    await replaceBy(tower, disputeBlock, 3);
    await until('both reorged out', async () => {
      const seen = await types();
      return seen.includes('BreachReorgedOut') && seen.includes('PenaltyReorgedOut');
    });
    await until('both in the mempool', async () => {
      return (await isInMempool(tower, breach.disputeTxid)) && (await isInMempool(tower, breach.penaltyTxid));
    });
    await tower.chain.mine(101);
    await until('irrevocable', async () => (await types()).at(-1) === 'PenaltyIrrevocable');
    assert.equal((await types()).filter((type) => type === 'BreachDetected by watcher').length, 2);
  });

  test('while the node is down is the same', async (t) => {
    const { tower, breach, types, disputeBlock } = await punishedBreach(t);
    await tower.stopNode();
    await tower.chain.mine(3);
    await replaceBy(tower, disputeBlock, 6);
    await tower.restartNode();
    await until('out again', async () => {
      return (await isInMempool(tower, breach.disputeTxid)) && (await isInMempool(tower, breach.penaltyTxid));
    });
    await tower.chain.mine(101);
    await until('irrevocable', async () => (await types()).at(-1) === 'PenaltyIrrevocable');
  });

  test('of any depth leaves the locator cache with exactly the last six blocks', async (t) => {
    const tower = await startTestTower(t);
    for (const depth of [1, 3, 8]) {
      const from = (await tower.chain.height()) - depth + 1;
      await replaceBy(tower, await hashAt(tower, from), depth + 1);
      await untilLevel(() => tower.node, tower.chain);
      const height = await tower.chain.height();
      const last = await Promise.all([5, 4, 3, 2, 1, 0].map((back) => hashAt(tower, height - back)));
      assert.deepEqual(
        tower.node.recentBlocks(0).map(({ hash }) => hash),
        last,
        `after a reorg of ${depth}`,
      );
    }
  });
});

/** A tower that has just answered a breach in `disputeBlock`; the penalty is in the mempool. */
async function punishedBreach(t: Parameters<typeof startTestTower>[0]) {
  const tower = await startTestTower(t);
  const client = await tower.newClient();
  await client.register();
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  const breach: Breach = buildBreach(channel);
  const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  await tower.chain.send(breach.disputeTx);
  const [disputeBlock] = await tower.chain.mine();
  const types = () => historyTypes(tower, client.userId, locator);
  await until('answered', async () => (await types()).includes('PenaltyBroadcast'));
  return { tower, breach, types, disputeBlock };
}

/** Replaces a block and all after it by empty ones; the mempool then holds what they held only if it is sent again. */
async function replaceBy(tower: TestTower, block: BlockHash | undefined, count: number): Promise<void> {
  assert(block);
  await tower.chain.invalidate(block);
  for (let i = 0; i < count; i++) await tower.chain.mineOnly();
}

const hashAt = async (tower: TestTower, height: number) =>
  (await tower.bitcoind.rpc.call('getblockhash', height)) as BlockHash;
