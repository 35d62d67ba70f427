import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import type { Cleanup } from '../support/temp-dir.js';
import { isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** Longer than any test: with it, polling finds nothing. */
const NEVER = { 'bitcoind.poll_seconds': '3600' };

describe('ZMQ', () => {
  test('that is silent while RPC works: blocks are found by polling', async (t) => {
    const { tower, line, breach } = await towerWithZmqLine(t, { 'bitcoind.poll_seconds': '1' });
    line.swallow();
    await tower.chain.mineOnly([breach.disputeTx]);
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
  });

  test('that loses messages: the next one leads to the blocks that were lost', async (t) => {
    const { tower, line, breach } = await towerWithZmqLine(t, NEVER);
    line.swallow();
    await tower.chain.mineOnly([breach.disputeTx]);
    for (let i = 0; i < 10; i++) await tower.chain.mineOnly();
    line.cut();
    await until('connected again', () => line.count() > 0);
    await until('answered', async () => {
      await tower.chain.mineOnly(); // it takes a moment until what is published is heard again
      await sleep(200);
      return isInMempool(tower, breach.penaltyTxid);
    });
  });

  test('that comes back: what it said meanwhile is asked for, without waiting for the next block', async (t) => {
    const { tower, line, breach } = await towerWithZmqLine(t, NEVER);
    line.swallow();
    await tower.chain.mineOnly([breach.disputeTx]);
    line.cut();
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
  });

  test('that speaks of blocks faster than they can be worked: none is passed over', async (t) => {
    const { tower, node, breach } = await towerWithZmqLine(t, NEVER);
    await tower.chain.mine(150);
    await tower.chain.mineOnly([breach.disputeTx]);
    await tower.chain.mine(350);
    await untilLevel(() => node, tower.chain);
    // It was mined long before the tower had worked its way to the dispute, or at once: either way it is on the chain.
    await until('answered', async () => {
      await tower.chain.mine();
      return (await tower.bitcoind.rpc.call('gettxout', breach.penaltyTxid, 0, false)) !== null;
    });
  });
});

async function towerWithZmqLine(t: Cleanup, settings: Readonly<Record<string, string>>) {
  const tower = await startTestTower(t, { begin: false, settings });
  const line = await startTcpProxy(t, tower.bitcoind.ports.zmq);
  const { rpcUrl, cookieFile } = tower.bitcoind;
  const zmqUrl = `tcp://127.0.0.1:${line.port}`;
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  const node = await tower.startNode('one', { bitcoind: { rpcUrl, cookieFile, zmqUrl } });
  await until('a first block', () => node.chain.state.tip);
  await until('ZMQ is heard', async () => {
    const [hash] = await tower.chain.mine();
    await sleep(200);
    return node.chain.state.tip?.hash === hash;
  });
  await untilLevel(() => node, tower.chain);
  const breach = buildBreach(channel);
  const client = await tower.newClient();
  await client.register();
  await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  return { tower, line, node, breach };
}
