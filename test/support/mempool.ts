import assert from 'node:assert/strict';
import { type Channel, openChannels } from '../../cli/demo/channel.js';
import type { RegtestChain } from '../../cli/servers/regtest-chain.js';
import type { Locator } from '../../events/ids.js';
import type { Cleanup } from './temp-dir.js';
import { historyTypes, startTestTower, type TestTower, type TestTowerOptions, untilLevel } from './tower.js';

/** A tower that watches the mempool, a registered client, and a channel in which it may be cheated. */
export async function watchedChannel(t: Cleanup, options: TestTowerOptions = {}) {
  const tower = await startTestTower(t, { mempool: true, ...options });
  const channel = await openChannel(tower.chain);
  await untilLevel(() => tower.node, tower.chain);
  const client = await tower.newClient();
  const registration = await client.register();
  const types = (locator: Locator) => historyTypes(tower, client.userId, locator);
  return { tower, client, registration, channel, types };
}

export async function openChannel(chain: RegtestChain): Promise<Channel> {
  const [channel] = await openChannels(chain, 1);
  return channel ?? assert.fail('no channel could be opened');
}

/** How many transactions of its bitcoind's mempool the tower knows. */
export const mempoolTransactions = async ({ node }: TestTower): Promise<number> =>
  ((await node.info()) as { mempool_transactions: number }).mempool_transactions;
