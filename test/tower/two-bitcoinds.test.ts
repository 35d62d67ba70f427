import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { fromHex } from '../../events/bytes.js';
import { startTestBitcoind } from '../support/bitcoind.js';
import type { Cleanup } from '../support/temp-dir.js';
import { historyTypes, isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

describe('two nodes, each with a bitcoind of its own', () => {
  test('do not fight while their bitcoinds are on different forks, and answer the breach on the one that wins', async (t) => {
    const { tower, nodes, other, client, breach, connect } = await twoBitcoinds(t);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    const types = () => historyTypes(tower, client.userId, locator);
    const commits = () => tower.node.chain.state.position;

    await connect(false);
    await other.chain.mineOnly();
    await other.chain.mineOnly();
    for (const node of nodes) await untilLevel(() => node, other.chain);
    const before = commits();
    await tower.chain.mineOnly([breach.disputeTx]); // less work than the other fork: not an event
    await other.chain.mineOnly();
    for (const node of nodes) await untilLevel(() => node, other.chain);
    assert.equal(commits(), before + 1);
    assert.deepEqual(await types(), []);

    for (let i = 0; i < 3; i++) await tower.chain.mineOnly(); // now it has more
    for (const node of nodes) await untilLevel(() => node, tower.chain);
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    assert.equal((await types())[0], 'BreachDetected by watcher');

    await connect(true);
    await until('one chain', async () => (await other.chain.tip()) === (await tower.chain.tip()));
    await tower.chain.mine(100);
    await until('buried', async () => (await types()).at(-1) === 'PenaltyIrrevocable');
    await until('of one mind', () => {
      const [one, two] = nodes.map(({ chain, shards }) => JSON.stringify([chain.state, ...shards]));
      return one === two;
    });
    assert.deepEqual(tower.gaveUp, []);
  });

  test('lose one of them without losing sight', async (t) => {
    const { tower, nodes, other, client, breach } = await twoBitcoinds(t);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.bitcoind.stop();
    await other.chain.mineOnly([breach.disputeTx]);
    await until('answered', () => isInMempool({ bitcoind: other.bitcoind }, breach.penaltyTxid));
    for (const node of nodes) await untilLevel(() => node, other.chain);
    await other.chain.mine(100);
    await until('buried', async () =>
      (await historyTypes(tower, client.userId, locator)).includes('PenaltyIrrevocable'),
    );
    await tower.bitcoind.restart();
    assert.deepEqual(tower.gaveUp, []);
  });
});

async function twoBitcoinds(t: Cleanup) {
  const tower = await startTestTower(t, { listen: true, settings: { 'bitcoind.poll_seconds': '1' } });
  const peer = `127.0.0.1:${tower.bitcoind.ports.p2p}`;
  const bitcoind = await startTestBitcoind(t);
  const other = { bitcoind, chain: new RegtestChain(bitcoind.rpc) };
  const connect = async (active: boolean) => {
    await bitcoind.rpc.call('setnetworkactive', active);
    // Asked for, since bitcoind by itself looks for a peer that it lost only once a minute.
    if (active) await bitcoind.rpc.call('addnode', peer, 'onetry');
    await until('so it is', async () => ((await bitcoind.rpc.call('getconnectioncount')) === 0) !== active);
  };
  await connect(true);
  const two = await tower.startNode('two', { bitcoind });
  const client = await tower.newClient();
  await client.register();
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  await until('one chain', async () => (await other.chain.tip()) === (await tower.chain.tip()));
  const nodes = [tower.node, two];
  for (const node of nodes) await untilLevel(() => node, tower.chain);
  return { tower, nodes, other, client, breach: buildBreach(channel), connect };
}
