import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildBreach } from '../../cli/demo/channel.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { fromHex } from '../../events/bytes.js';
import { startTestBitcoind } from '../support/bitcoind.js';
import { mempoolTransactions, openChannel, watchedChannel } from '../support/mempool.js';
import { isInMempool, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';
import { startZmqRelay } from '../support/zmq-relay.js';

describe('a mempool whose news', () => {
  test('never comes is read now and then', async (t) => {
    const { url } = await startZmqRelay(t);
    const settings = { 'bitcoind.zmq_sequence': url, 'bitcoind.poll_seconds': '1' };
    const { tower, client, channel } = await watchedChannel(t, { settings });
    const breach = buildBreach(channel);
    await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.chain.send(breach.disputeTx);
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
  });

  test('is lost in part is read at the next message, and not later', async (t) => {
    const relay = await startZmqRelay(t);
    const settings = { 'bitcoind.zmq_sequence': relay.url, 'bitcoind.poll_seconds': '3600' };
    const { tower, client, channel } = await watchedChannel(t, { settings });
    relay.listenTo(tower.bitcoind.zmqUrl);
    const [lost, one, two, three] = [
      channel,
      ...(await Promise.all([0, 0, 0].map(() => openChannel(tower.chain)))),
    ].map((each) => buildBreach(each));
    assert(lost && one && two && three);
    await untilLevel(() => tower.node, tower.chain);
    const held = () => mempoolTransactions(tower);
    await client.protect(lost.disputeTxid, fromHex(lost.penaltyTx), 144);
    await tower.chain.send(one.disputeTx);
    await until('heard', async () => (await held()) === 1);
    await tower.chain.send(two.disputeTx);
    await until('heard', async () => (await held()) === 2);

    relay.lose(true);
    await tower.chain.send(lost.disputeTx);
    await until('lost', () => relay.lost === 1);
    relay.lose(false);
    await tower.chain.send(three.disputeTx);
    await until('answered', () => isInMempool(tower, lost.penaltyTxid));
    await until('all is known', async () => (await held()) === 5);
  });
});

describe('two nodes', () => {
  test('with one bitcoind see a dispute at once and put it on the log once', async (t) => {
    const { tower, client, channel, types } = await watchedChannel(t);
    const two = await tower.startNode('two');
    const breach = buildBreach(channel);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.chain.send(breach.disputeTx);
    await until('answered', async () => (await types(locator)).includes('PenaltyBroadcast'));
    await tower.chain.mine();
    await until('confirmed', async () => (await types(locator)).includes('PenaltyConfirmed'));
    for (const node of [tower.node, two]) await untilLevel(() => node, tower.chain);
    const expected = ['BreachDetected by watcher', 'BreachSighted', 'PenaltyBroadcast', 'PenaltyConfirmed'];
    assert.deepEqual((await types(locator)).sort(), expected);
    assert.deepEqual(tower.gaveUp, []);
  });

  test('whose mempools differ do not contradict one another', async (t) => {
    const { tower, client, channel, types } = await watchedChannel(t, {
      listen: true,
      settings: { 'bitcoind.poll_seconds': '1' },
    });
    const peer = `127.0.0.1:${tower.bitcoind.ports.p2p}`;
    const bitcoind = await startTestBitcoind(t);
    const other = new RegtestChain(bitcoind.rpc);
    const connect = async (active: boolean) => {
      await bitcoind.rpc.call('setnetworkactive', active);
      if (active) await bitcoind.rpc.call('addnode', peer, 'onetry');
      await until('so it is', async () => ((await bitcoind.rpc.call('getconnectioncount')) === 0) !== active);
    };
    await connect(true);
    await until('one chain', async () => (await other.tip()) === (await tower.chain.tip()));
    const two = await tower.startNode('two', { bitcoind });
    const breach = buildBreach(channel);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await connect(false);
    await other.send(breach.disputeTx);
    await until('answered', () => isInMempool({ bitcoind }, breach.penaltyTxid));
    for (let i = 0; i < 3; i++) await tower.chain.mineOnly();
    for (const node of [tower.node, two]) await untilLevel(() => node, tower.chain);
    await connect(true);
    await until('one chain', async () => (await other.tip()) === (await tower.chain.tip()));
    assert.deepEqual(await types(locator), ['BreachSighted', 'PenaltyBroadcast']);
    await other.mine(101);
    await until('buried', async () => (await types(locator)).includes('PenaltyIrrevocable'));
    assert.deepEqual((await types(locator)).sort(), [
      'BreachDetected by watcher',
      'BreachSighted',
      'PenaltyBroadcast',
      'PenaltyConfirmed',
      'PenaltyIrrevocable',
    ]);
    assert.deepEqual(tower.gaveUp, []);
  });
});
