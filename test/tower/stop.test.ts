import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { within } from '../../cli/servers/child.js';
import { fromHex } from '../../events/bytes.js';
import { startTestTower } from '../support/tower.js';
import { until } from '../support/until.js';

/** A stop that hangs would be seen as the end of this wait. */
const ended = async (stopping: Promise<void>): Promise<boolean> =>
  (await within(
    stopping.then(() => true),
    30_000,
  )) ?? false;

describe('a node is stopped', () => {
  test('while NATS is away', async (t) => {
    const tower = await startTestTower(t);
    await tower.nats.kill();
    assert.ok(await ended(tower.stopNode()));
    assert.deepEqual(tower.gaveUp, []);
  });

  test('while NATS is away and a block waits to be put on the log', async (t) => {
    const tower = await startTestTower(t);
    await tower.nats.kill();
    await tower.chain.mine();
    const reachable = async () => ((await tower.node.info()) as { bitcoind_reachable: boolean }).bitcoind_reachable;
    await until('bitcoind was asked', reachable);
    assert.ok(await ended(tower.stopNode()));
  });

  test('while bitcoind is away and a penalty waits for it', async (t) => {
    const tower = await startTestTower(t);
    const client = await tower.newClient();
    await client.register();
    const [channel] = await openChannels(tower.chain, 1);
    assert(channel);
    const breach = buildBreach(channel);
    await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.chain.mineOnly([breach.disputeTx]);
    await tower.bitcoind.kill();
    assert.ok(await ended(tower.stopNode()));
    assert.deepEqual(tower.gaveUp, []);
  });
});
