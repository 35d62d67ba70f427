import assert from 'node:assert/strict';
import type { TowerClient } from '../../actors/client/tower-client.js';
import { type Breach, type BreachOptions, buildBreach, type Channel, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import type { BlockHash, Locator } from '../../events/ids.js';
import type { Cleanup } from './temp-dir.js';
import { historyTypes, startTestTower, type TestTower, type TestTowerOptions, untilLevel } from './tower.js';
import { until } from './until.js';

/** A breach for which the tower holds an appointment. */
export interface GuardedBreach extends Breach {
  readonly locator: Locator;
  /** What happened to it so far, by the names of `historyTypes`. */
  readonly history: () => Promise<string[]>;
  /** Resolves when that ends with a name. */
  readonly untilLast: (name: string) => Promise<unknown>;
  /** Resolves when a name is in it. */
  readonly untilSeen: (name: string) => Promise<unknown>;
}

/** A tower, and one user with a channel that it guards. */
export interface Guard {
  readonly tower: TestTower;
  readonly client: TowerClient;
  readonly channel: Channel;
  /** One more revoked commitment of the channel, with its penalty in the tower's hands. */
  readonly guard: (options?: BreachOptions, penaltyTx?: (breach: Breach) => string) => Promise<GuardedBreach>;
}

export async function startGuard(t: Cleanup, options: TestTowerOptions = {}): Promise<Guard> {
  const tower = await startTestTower(t, options);
  const client = await tower.newClient();
  await client.register();
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  await untilLevel(() => tower.node, tower.chain);
  const guard: Guard['guard'] = async (options, penaltyTx = (breach) => breach.penaltyTx) => {
    const breach = buildBreach(channel, options);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(penaltyTx(breach)), 144);
    const history = () => historyTypes(tower, client.userId, locator);
    const untilLast = (name: string) => until(`${name}, at last`, async () => (await history()).at(-1) === name);
    const untilSeen = (name: string) => until(name, async () => (await history()).includes(name));
    return { ...breach, locator, history, untilLast, untilSeen };
  };
  return { tower, client, channel, guard };
}

/** Leaves a block and all after it, and mines others in their place, each with just these transactions. */
export async function replaceBy(tower: TestTower, block: BlockHash, ...blocks: string[][]): Promise<BlockHash[]> {
  await tower.chain.invalidate(block);
  return mineEach(tower, ...blocks);
}

/** Mines blocks that each hold just these transactions. */
export async function mineEach({ chain }: TestTower, ...blocks: string[][]): Promise<BlockHash[]> {
  const mined: BlockHash[] = [];
  for (const transactions of blocks) mined.push(await chain.mineOnly(transactions));
  return mined;
}

/** Mines blocks that hold nothing. */
export const mineEmpty = (tower: TestTower, count: number): Promise<BlockHash[]> =>
  mineEach(tower, ...Array.from({ length: count }, () => []));
