import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** So long bitcoind must have been up that a new run of it can be told from the old one by its uptime, in seconds. */
const TELLING_UPTIME = 5;

for (const [how, poll] of [
  ['noticed by polling', '1'],
  ['noticed as soon as ZMQ is back', '3600'],
] as const)
  test(`bitcoind is restarted with an empty mempool: unconfirmed penalties are sent again, without a block (${how})`, async (t) => {
    const settings = { 'bitcoind.poll_seconds': poll };
    const tower = await startTestTower(t, { settings, bitcoindArgs: ['-persistmempool=0'] });
    const client = await tower.newClient();
    await client.register();
    const [channel] = await openChannels(tower.chain, 1);
    assert(channel);
    const breach = buildBreach(channel);
    await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    const uptime = async () => Number(await tower.bitcoind.rpc.call('uptime'));
    await until('it has run for a while', async () => (await uptime()) >= TELLING_UPTIME);
    await tower.chain.mineOnly([breach.disputeTx]);
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    await untilLevel(() => tower.node, tower.chain);
    const height = await tower.chain.height();

    await tower.bitcoind.restart();
    await until('answered again', () => isInMempool(tower, breach.penaltyTxid));
    assert.equal(await tower.chain.height(), height);
    assert(tower.said.some(({ msg }) => msg === 'bitcoind was started anew'));
  });
