import { type NatsConnection, RequestStrategy } from 'nats';
import { clusterSubjects, NodeReport } from '../../actors/cluster-wire.js';

/** What the nodes of a tower tried to append since they were started. */
export interface Appends {
  readonly appends: number;
  /** How many came too late, since another node had decided on the same aggregate. */
  readonly conflicts: number;
}

/** Asks so many nodes, and adds up. `nc` may do everything. */
export async function appendsOf(nc: NatsConnection, nodes: number): Promise<Appends> {
  const wanted = { strategy: RequestStrategy.Count, maxMessages: nodes, maxWait: 5_000 };
  const reports: NodeReport[] = [];
  for await (const answer of await nc.requestMany(clusterSubjects.nodes, '', wanted))
    reports.push(NodeReport.parse(answer.json()));
  if (reports.length < nodes) throw new Error(`${reports.length} of ${nodes} nodes answered`);
  const sum = (field: keyof Appends) =>
    reports.flatMap(({ shards }) => shards).reduce((total, shard) => total + (shard[field] ?? 0), 0);
  return { appends: sum('appends'), conflicts: sum('conflicts') };
}
