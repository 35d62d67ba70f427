import { type NatsConnection, NatsError, RequestStrategy } from 'nats';
import { clusterSubjects, NODE_SERVICE, NodeReport } from './cluster-wire.js';

/** The nodes that are there. */
export interface Nodes {
  readonly nodes: readonly NodeReport[];
  /** The names of those that did not say how they are. */
  readonly silent: readonly string[];
}

/** How long all nodes together have to say how they are, in ms; each of them gives its bitcoind two seconds. */
const NODES_MS = 5_000;

/** Asks every node how it is. First who is there, which a service says at once, so that those who then are silent are known. */
export async function everyNode(nc: NatsConnection): Promise<Nodes> {
  const client = nc.services.client({ strategy: RequestStrategy.JitterTimer, maxWait: 1_000 });
  const there: string[] = [];
  for await (const { metadata, id } of await orNone(client.ping(NODE_SERVICE))) there.push(metadata?.node ?? id);
  const reports: NodeReport[] = [];
  if (there.length > 0) {
    const all = { strategy: RequestStrategy.Count, maxMessages: there.length, maxWait: NODES_MS };
    for await (const message of await orNone(nc.requestMany(clusterSubjects.nodes, '{}', all))) {
      const report = message instanceof Error ? undefined : NodeReport.safeParse(message.json()).data;
      if (report) reports.push(report);
    }
  }
  const silent = reports.reduce((left, { node }) => without(left, node), there);
  return { nodes: reports.toSorted((a, b) => a.node.localeCompare(b.node)), silent };
}

/** What many answer; nothing if nobody does. */
async function* orNone<T>(asked: Promise<AsyncIterable<T>>): AsyncGenerator<T> {
  try {
    yield* await asked;
  } catch (error) {
    if (!(error instanceof NatsError) || error.code !== NO_RESPONDERS) throw error;
  }
}

/** What the server says when nobody listens. */
const NO_RESPONDERS = '503';

/** A list without one of those that are like `item`. */
const without = <T>(list: readonly T[], item: T): T[] => {
  const at = list.indexOf(item);
  return list.filter((_, i) => i !== at);
};
