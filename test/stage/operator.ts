import type { NatsConnection } from 'nats';
import { z } from 'zod';
import { operatorSubjects, type StateAnswer } from '../../actors/wire.js';
import type { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { askStates } from '../support/node-states.js';
import { until } from '../support/until.js';

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

/** Who asks a stage's nodes how far they are. */
export class Operator {
  constructor(
    readonly nc: NatsConnection,
    private readonly chain: RegtestChain,
  ) {}

  /** What one of the nodes says; which one is NATS's choice. */
  async info(): Promise<NodeInfo> {
    const answer = await this.nc.request(operatorSubjects.info, '{}', { timeout: 3_000 });
    return NodeInfo.parse(answer.json());
  }

  /** Resolves when so many nodes know that the chain was scanned to its tip in each shard. */
  async untilLevel(nodes: number): Promise<void> {
    const height = await this.chain.height();
    await until(`${nodes} nodes are level with block ${height}`, async () => {
      const info = await this.info().catch(() => undefined);
      if (!info?.shards.every((shard) => shard.scanned_height === height)) return false;
      const states = await askStates(this.nc, nodes);
      const isFolded = (folded: StateAnswer['shards']) =>
        folded.every(({ position }, i) => position >= (info.shards[i]?.position ?? 0));
      const chains = new Set(states.map(({ chain }) => chain.position));
      return states.length === nodes && chains.size === 1 && states.every(({ shards }) => isFolded(shards));
    });
  }
}
