import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeAppointment, type TowerClient } from '../../actors/client/tower-client.js';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import type { BlockHash, Locator } from '../../events/ids.js';
import { historyTypes, isInMempool, startTestTower, type TestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** A reorg that puts the dispute into another block, at each stage of the answer to it. */
describe('a dispute that a reorg moves to another block', () => {
  test('while its penalty waits to be mined: there is one penalty, and it is buried', async (t) => {
    const { tower, client, breach } = await breached(t);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    const disputeBlock = await tower.chain.mineOnly([breach.disputeTx]);
    const types = () => historyTypes(tower, client.userId, locator);
    await until('answered', async () => (await types()).at(-1) === 'PenaltyBroadcast');
    await moveTo(tower, breach, disputeBlock);
    await until('found again', async () => count(await types(), 'BreachDetected by watcher') === 2);
    await until('the penalty is out', () => isInMempool(tower, breach.penaltyTxid));
    await buried(tower, client, locator);
  });

  test('after its blob was refused: a better blob is used, and its penalty is buried', async (t) => {
    const { tower, client, breach } = await breached(t);
    const { locator } = makeAppointment('rust', breach.disputeTxid, new Uint8Array(1), 144);
    await client.addAppointment({ locator, encryptedBlob: new Uint8Array(100).fill(7), toSelfDelay: 144 });
    const disputeBlock = await tower.chain.mineOnly([breach.disputeTx]);
    await until('refused', async () => count(await historyTypes(tower, client.userId, locator), 'BlobRefused') === 1);
    await moveTo(tower, breach, disputeBlock);
    await untilLevel(() => tower.node, tower.chain);
    for (let i = 0; i < 10; i++) await tower.chain.mineOnly();
    await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await until('the penalty is out', () => isInMempool(tower, breach.penaltyTxid));
    await buried(tower, client, locator);
  });
});

const count = (types: readonly string[], beginning: string): number =>
  types.filter((type) => type.startsWith(beginning)).length;

async function breached(t: Parameters<typeof startTestTower>[0]) {
  const tower = await startTestTower(t);
  const client = await tower.newClient();
  await client.register();
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  return { tower, client, breach: buildBreach(channel) };
}

/** Replaces the dispute's block by an empty one, and lets the next one hold the dispute. */
async function moveTo(tower: TestTower, breach: Breach, disputeBlock: BlockHash): Promise<void> {
  await tower.chain.invalidate(disputeBlock);
  await tower.chain.mineOnly();
  await tower.chain.mineOnly([breach.disputeTx]);
}

async function buried(tower: TestTower, client: TowerClient, locator: Locator): Promise<void> {
  await tower.chain.mine(101);
  await until('irrevocable', async () =>
    (await historyTypes(tower, client.userId, locator)).includes('PenaltyIrrevocable'),
  );
  await until('over', async () => (await client.getSubscriptionInfo()).locators.length === 0);
  assert.deepEqual(tower.gaveUp, []);
}
