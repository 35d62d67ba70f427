import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TowerUnavailableError } from '../../actors/client/errors.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { type NatsProxy, startNatsProxy } from '../support/nats-proxy.js';
import { isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

describe('an outage', () => {
  test('of bitcoind between appointment and breach: appointments are accepted, the breach is answered when it is back', async (t) => {
    const tower = await startTestTower(t);
    const client = await tower.newClient();
    await client.register();
    const [one, two] = await openChannels(tower.chain, 2);
    assert(one && two);
    await untilLevel(() => tower.node, tower.chain);
    const breaches = [buildBreach(one), buildBreach(two)];
    await tower.bitcoind.stop();
    for (const breach of breaches) await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.bitcoind.restart();
    await tower.chain.mineOnly(breaches.map(({ disputeTx }) => disputeTx));
    for (const { penaltyTxid } of breaches) await until('answered', () => isInMempool(tower, penaltyTxid));
    assert.deepEqual(tower.gaveUp, []);
  });

  test('of bitcoind at the start: the node waits for it, and refuses what it cannot sign', async (t) => {
    const tower = await startTestTower(t, { begin: false });
    await tower.bitcoind.stop();
    await tower.restartNode();
    const client = await tower.newClient();
    await assert.rejects(client.register(), { reason: 'unavailable', status: 503 });
    await tower.bitcoind.restart();
    await untilLevel(() => tower.node, tower.chain);
    await client.register();
  });

  test('of the log alone: the node says that it takes no blocks, once, and when it does again', async (t) => {
    let line: NatsProxy | undefined;
    const through = async (port: number) => {
      line = await startNatsProxy(t, port);
      return line.url;
    };
    const tower = await startTestTower(t, { through });
    const said = (msg: string) => tower.said.filter((each) => each.msg === msg).length;
    const losing = line?.loseSent(/^H?PUB argus\.txids/) ?? assert.fail();
    await tower.chain.mineOnly();
    await until('it says so', () => said('the log takes no blocks; waiting for it') > 0);
    const count = losing.count();
    await until('it tried again', () => losing.count() > count + 1);
    losing.stop();
    await untilLevel(() => tower.node, tower.chain);
    await until('it says so', () => said('the log takes blocks again') > 0);
    assert.equal(said('the log takes no blocks; waiting for it'), 1);
  });

  test('of NATS: nothing is answered, nothing is lost, and all goes on by itself', async (t) => {
    const tower = await startTestTower(t);
    const client = await tower.newClient();
    await client.register();
    const [channel] = await openChannels(tower.chain, 1);
    assert(channel);
    const breach = buildBreach(channel);
    await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    const hasty = await tower.newClient('rust', { timeoutMs: 500 });
    await tower.nats.kill();
    await assert.rejects(hasty.getSubscriptionInfo(), TowerUnavailableError);
    await tower.chain.mineOnly([breach.disputeTx]);
    await sleep(300);
    await tower.nats.restart();
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    await untilLevel(() => tower.node, tower.chain);
    assert.equal((await client.getSubscriptionInfo()).locators.length, 1);
    assert.deepEqual(tower.gaveUp, []);
  });
});
