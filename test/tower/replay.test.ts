import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { historyTypes, isInMempool, startTestTower, type TestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

describe('what a node knows is its log', () => {
  test('the same history folded by two nodes, and by one of them again, is byte-equal', async (t) => {
    const tower = await startTestTower(t, { settings: { 'log.shards': '2' } });
    const two = await tower.startNode('two');
    const clients = [await tower.newClient('python'), await tower.newClient('rust'), await tower.newClient('rust')];
    for (const client of clients) await client.register();
    const channels = await openChannels(tower.chain, 4);
    const breaches = channels.map((channel) => buildBreach(channel));
    for (const [i, breach] of breaches.entries())
      for (const client of clients.slice(i % 2))
        await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.chain.mineOnly(breaches.slice(0, 3).map(({ disputeTx }) => disputeTx));
    for (const { penaltyTxid } of breaches.slice(0, 3))
      await until('penalty out', () => isInMempool(tower, penaltyTxid));
    await tower.chain.invalidate(await tower.chain.tip());
    await tower.chain.mine(103);
    await until('all buried', () => tower.node.shards.every((shard) => Array.from(shard.liveTrackers()).length === 0));
    await settled(tower);

    const one = memoryOf(tower.node);
    await until('the other is level', () => memoryOf(two) === one);
    await tower.restartNode();
    const again = memoryOf(tower.node);
    // What differs can be read; then that not even a byte does.
    assert.deepEqual(JSON.parse(again), JSON.parse(one));
    assert.equal(again, one);
    assert.deepEqual(tower.gaveUp, []);
  });

  test('two nodes on one log answer one breach with one history', async (t) => {
    const tower = await startTestTower(t);
    await tower.startNode('two');
    const client = await tower.newClient();
    await client.register();
    const [channel] = await openChannels(tower.chain, 1);
    assert(channel);
    const breach = buildBreach(channel);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.chain.mineOnly([breach.disputeTx]);
    await until('out', () => isInMempool(tower, breach.penaltyTxid));
    await tower.chain.mine(100);
    const types = () => historyTypes(tower, client.userId, locator);
    await until('buried', async () => (await types()).includes('PenaltyIrrevocable'));
    assert.deepEqual(await types(), [
      'BreachDetected by watcher',
      'PenaltyBroadcast',
      'PenaltyConfirmed',
      'PenaltyIrrevocable',
    ]);
  });
});

const memoryOf = (node: TestTower['node']): string => JSON.stringify([node.chain.state, ...node.shards]);

/** Resolves when the node's memory has not changed for a while: every ending of an appointment is on the log. */
async function settled(tower: TestTower): Promise<void> {
  await untilLevel(() => tower.node, tower.chain);
  const held = () => tower.node.shards.reduce((sum, { watchlist }) => sum + watchlist.size, 0);
  // Those of two users for the channel that is not breached.
  await until('every ended appointment is off the books', () => held() === 2);
  let before = '';
  await until('quiet', () => {
    const now = memoryOf(tower.node);
    const quiet = now === before;
    before = now;
    return quiet;
  });
}
