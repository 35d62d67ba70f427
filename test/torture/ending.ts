import type { NatsConnection } from 'nats';
import { z } from 'zod';
import { BitcoindRefused } from '../../actors/bitcoind/rpc-errors.js';
import type { TowerClient } from '../../actors/client/tower-client.js';
import { operatorSubjects } from '../../actors/wire.js';
import { until } from '../support/until.js';
import type { Account } from './checker/evidence.js';
import type { Ledger } from './ledger.js';
import type { Stage } from './stage.js';

/** What a node says of itself to its operator. */
const NodeInfo = z.object({
  node: z.string(),
  tip: z.string().nullable(),
  users: z.number(),
  watched_appointments: z.number(),
  trackers: z.number(),
  shards: z.array(z.object({ shard: z.number(), position: z.number(), scanned_height: z.number().nullable() })),
});
export type NodeInfo = z.infer<typeof NodeInfo>;

/** After the last mishap: everything that was begun comes to its end, as far as it will within the limits of `until`. */
export class Ending {
  constructor(
    private readonly stage: Stage,
    private readonly ledger: Ledger,
    private readonly operator: NatsConnection,
    private readonly tell: (what: string) => void,
  ) {}

  /** Every dispute that was begun is mined, every penalty after it, and 100 blocks on top. */
  async bring(): Promise<void> {
    const { a } = this.stage.link;
    await this.untilLevel();
    for (const { disputeTx } of this.ledger.begun.values())
      await a.chain.send(disputeTx).catch((error: unknown) => {
        if (!(error instanceof BitcoindRefused)) throw error; // it is mined, or there already
      });
    for (let round = 0; round < 4; round++) {
      await a.chain.mine();
      await this.stage.link.join();
      await this.untilLevel();
      await this.#settled();
    }
    await a.chain.mine(100);
    await this.stage.link.join();
    await this.untilLevel();
    await this.#settled();
  }

  /** What one of the nodes says; which one is NATS's choice. */
  async info(): Promise<NodeInfo> {
    const answer = await this.operator.request(operatorSubjects.info, '{}', { timeout: 3_000 });
    return NodeInfo.parse(answer.json());
  }

  /** Resolves when as many nodes as there are have scanned the chain to its tip in each shard. */
  async untilLevel(nodes = 2): Promise<void> {
    const height = await this.stage.link.a.chain.height();
    const level = new Set<string>();
    await until(`${nodes} nodes are level with block ${height}`, async () => {
      const info = await this.info().catch(() => undefined);
      if (info?.shards.every((shard) => shard.scanned_height === height)) level.add(info.node);
      return level.size === nodes;
    });
  }

  async accounts(clients: readonly TowerClient[]): Promise<Map<string, Account>> {
    const told = new Map<string, Account>();
    for (const client of clients) {
      const { available_slots: availableSlots, locators } = await client.getSubscriptionInfo();
      told.set(client.userId, { availableSlots, locators });
    }
    return told;
  }

  /** Resolves when everything that follows from the blocks is on the log: nothing was added to it for two seconds. */
  async #settled(): Promise<void> {
    let last = '';
    let same = 0;
    await this.#patiently('the log stands still', async () => {
      const now = JSON.stringify((await this.info()).shards.map(({ position }) => position));
      same = now === last ? same + 1 : 0;
      last = now;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return same >= 20;
    });
  }

  /** Whatever does not come is for the checker to say more of. */
  async #patiently(what: string, look: () => Promise<boolean>): Promise<void> {
    try {
      await until(what, () => look().catch(() => false));
    } catch (error) {
      this.tell(String(error));
    }
  }
}
