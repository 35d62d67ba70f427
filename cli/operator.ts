import { ErrorCode, type NatsConnection, NatsError, RequestStrategy } from 'nats';
import { z } from 'zod';
import { clusterSubjects, NODE_SERVICE, NodeReport, type StreamReport, StreamsAnswer } from '../actors/cluster-wire.js';
import type { Config } from '../actors/config.js';
import { natsServers, natsTrust } from '../actors/config-nats.js';
import { ranges } from '../actors/ranges.js';
import { existingNatsSeed } from '../actors/secrets.js';
import { ERROR_CODE_HEADER, operatorSubjects, policySubjects } from '../actors/wire.js';
import { connectLog } from '../events/log/connection.js';

/** What the operator asks of a running tower, over NATS with the operator's own key. */

/** A tower that does not answer, or says no; the message is for the operator. */
export class OperatorError extends Error {
  readonly code = 'operator';
}

const subjects = { ...operatorSubjects, ...policySubjects } as const;

/** What may be asked, and what may be decided. */
export type Question = keyof typeof subjects;

export interface Operator {
  /** Asks every node how it is; rejects with `OperatorError` if there is none. */
  everyNode(): Promise<Nodes>;
  /** Asks any node how the log's streams are; rejects with `OperatorError`. */
  streams(): Promise<readonly StreamReport[]>;
  /** Asks one question; rejects with `OperatorError`. */
  ask(what: Question, question?: object): Promise<Record<string, unknown>>;
  /** All items of a list, page after page; rejects at its end if nobody answered for some of the shards. */
  list(what: Question, field: string, question?: object): AsyncGenerator<unknown>;
  close(): Promise<void>;
}

/** What a server does not do, where `cause` is what came instead of a connection; `what` should have been up. */
export function whyNoConnection(cause: unknown, nkeyFile: string, what: string): string {
  if (cause instanceof Error && !(cause instanceof NatsError)) return `is not taken: ${cause.message}`;
  const code = cause instanceof NatsError ? cause.code : undefined;
  if (code === ErrorCode.ServerOptionNotAvailable) return 'has no TLS';
  return code === ErrorCode.AuthorizationViolation
    ? `does not know the key in ${nkeyFile}`
    : `does not answer. Is ${what} up?`;
}

/** The nodes that are there. */
export interface Nodes {
  readonly nodes: readonly NodeReport[];
  /** The names of those that did not say how they are. */
  readonly silent: readonly string[];
}

const Answer = z.record(z.string(), z.unknown());

export async function connectOperator(config: Config): Promise<Operator> {
  const servers = natsServers(config.nats);
  const seed = existingNatsSeed(config.nats.operatorNkeyFile);
  const trust = natsTrust(config.nats);
  const nc = await connectLog({ servers, seed, trust, name: 'argus operator', inboxPrefix: '_INBOX_OPERATOR' }).catch(
    (cause) => {
      throw new OperatorError(`${servers} ${whyNoConnection(cause, config.nats.operatorNkeyFile, 'the tower')}`, {
        cause,
      });
    },
  );
  const request = async (subject: string, question: object) => {
    const message = await nc.request(subject, JSON.stringify(question), { timeout: 10_000 }).catch((cause) => {
      throw new OperatorError(`no tower answers at ${servers}`, { cause });
    });
    const answer = Answer.parse(message.json());
    if (message.headers?.get(ERROR_CODE_HEADER)) throw new OperatorError(String(answer.error));
    return answer;
  };
  const ask: Operator['ask'] = (what, question = {}) => request(subjects[what], question);
  async function* list(what: Question, field: string, question: object = {}) {
    const unserved: number[] = [];
    for (let after: unknown = '0.0'; after; ) {
      const { [field]: items, next, unserved_shards: missing = [] } = await ask(what, { ...question, after });
      yield* z.array(z.unknown()).parse(items);
      unserved.push(...z.array(z.number()).parse(missing));
      after = next;
    }
    if (unserved.length > 0)
      throw new OperatorError(`no node answers for ${shardsText(unserved)}: what is there is not listed`);
  }
  return {
    ask,
    list,
    everyNode: async () => {
      const nodes = await everyNode(nc);
      if (nodes.nodes.length + nodes.silent.length > 0) return nodes;
      throw new OperatorError(`no tower answers at ${servers}`);
    },
    streams: async () => StreamsAnswer.parse(await request(clusterSubjects.streams, {})).streams,
    close: () => nc.close(),
  };
}

/** `shard 3`, `shards 0-2,7` */
export const shardsText = (shards: readonly number[]): string =>
  `shard${shards.length === 1 ? '' : 's'} ${ranges(shards.toSorted((a, b) => a - b)).join(',')}`;

/** How long all nodes together have to say how they are, in ms; each of them gives its bitcoind two seconds. */
const NODES_MS = 5_000;

/** First who is there, which a service says at once, so that those who then are silent are known. */
async function everyNode(nc: NatsConnection): Promise<Nodes> {
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
