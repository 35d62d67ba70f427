import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import type { BlockHash } from '../../events/ids.js';
import { EventLog } from '../../events/log/log.js';
import { TXIDS } from '../../events/log/streams.js';
import type { Cleanup } from '../support/temp-dir.js';
import { historyTypes, isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

describe('a reorg', () => {
  test('of 400 blocks: the breach that was in the first of them is sent again, with its penalty', async (t) => {
    const { tower, breach, types } = await protectedTower(t);
    const disputeBlock = await tower.chain.mineOnly([breach.disputeTx]);
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    await mineEmpty(tower.chain, 399);
    await untilLevel(() => tower.node, tower.chain);
    await tower.chain.invalidate(disputeBlock);
    await mineEmpty(tower.chain, 401);
    await untilLevel(() => tower.node, tower.chain);
    assert((await types()).includes('BreachReorgedOut'));
    for (const txid of [breach.disputeTxid, breach.penaltyTxid])
      await until('sent again', () => isInMempool(tower, txid));
    assert.deepEqual(tower.gaveUp, []);
  });

  test('deeper than the window of TXIDS: they are published again, and the locator cache is exact', async (t) => {
    const { tower, breach } = await protectedTower(t);
    const first = await tower.chain.mineOnly();
    await tower.chain.mine(20);
    await untilLevel(() => tower.node, tower.chain);
    const log = await EventLog.open(await tower.nats.connect('node'));
    // Back to the first branch: all of it is on the log's past, and none of its txids is in the window any more.
    await tower.chain.invalidate(first);
    await tower.chain.mine(22);
    await untilLevel(() => tower.node, tower.chain);
    await tower.stopNode();
    await log.jsm.streams.purge(TXIDS);
    await tower.chain.reconsider(first);
    const tip = (await tower.bitcoind.rpc.call('getbestblockhash')) as BlockHash;
    await tower.chain.mineOnly([breach.disputeTx]);
    await tower.restartNode();
    await untilLevel(() => tower.node, tower.chain);
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    const height = await tower.chain.height();
    const last = await Promise.all(
      [5, 4, 3, 2, 1, 0].map((back) => tower.bitcoind.rpc.call('getblockhash', height - back)),
    );
    assert.deepEqual(
      tower.node.recentBlocks(0).map(({ hash }) => hash),
      last,
    );
    const published = await log.jsm.streams.getMessage(TXIDS, { last_by_subj: `argus.txids.${tip}` });
    assert.equal(published.data.length % 32, 0);
  });
});

/** Blocks without what is in the mempool, which `generatetoaddress` would take in. */
async function mineEmpty(chain: Awaited<ReturnType<typeof startTestTower>>['chain'], count: number): Promise<void> {
  for (let i = 0; i < count; i++) await chain.mineOnly();
}

async function protectedTower(t: Cleanup) {
  const tower = await startTestTower(t);
  const client = await tower.newClient();
  await client.register();
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  const breach = buildBreach(channel);
  const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  return { tower, breach, types: () => historyTypes(tower, client.userId, locator) };
}
