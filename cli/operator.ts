import { ErrorCode, NatsError } from 'nats';
import { z } from 'zod';
import { clusterSubjects, NodeReport, type StreamReport, StreamsAnswer } from '../actors/cluster-wire.js';
import type { Config } from '../actors/config.js';
import { natsServers, natsTrust } from '../actors/config-nats.js';
import { everyNode, type Nodes } from '../actors/every-node.js';
import type { LogQuestion } from '../actors/log-wire.js';
import { shardsText } from '../actors/ranges.js';
import { existingNatsSeed } from '../actors/secrets.js';
import { shownUrl } from '../actors/shown-url.js';
import { dutySubjects, ERROR_CODE_HEADER, logSubjects, operatorSubjects, policySubjects } from '../actors/wire.js';
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
  /** Has one node do something; gives how it is then. Rejects with `OperatorError`. */
  order(what: keyof typeof dutySubjects, node: string): Promise<NodeReport>;
  /** Asks any node how the log's streams are; rejects with `OperatorError`. */
  streams(): Promise<readonly StreamReport[]>;
  /** Asks one question; rejects with `OperatorError`. */
  ask(what: Question, question?: object): Promise<Record<string, unknown>>;
  /** Asks for what is on the log; gives the answer's bytes. Rejects with `OperatorError`. */
  show(question: LogQuestion): Promise<Uint8Array>;
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

const Answer = z.record(z.string(), z.unknown());

export async function connectOperator(config: Config): Promise<Operator> {
  const servers = natsServers(config.nats);
  const seed = existingNatsSeed(config.nats.operatorNkeyFile);
  const trust = natsTrust(config.nats);
  const nc = await connectLog({ servers, seed, trust, name: 'argus operator', inboxPrefix: '_INBOX_OPERATOR' }).catch(
    (cause) => {
      throw new OperatorError(
        `${shownUrl(servers)} ${whyNoConnection(cause, config.nats.operatorNkeyFile, 'the tower')}`,
        {
          cause,
        },
      );
    },
  );
  const said = async (subject: string, question: object) => {
    const message = await nc.request(subject, JSON.stringify(question), { timeout: 10_000 }).catch((cause) => {
      throw new OperatorError(`no tower answers at ${shownUrl(servers)}`, { cause });
    });
    if (message.headers?.get(ERROR_CODE_HEADER)) throw new OperatorError(String(Answer.parse(message.json()).error));
    return message;
  };
  const request = async (subject: string, question: object) => Answer.parse((await said(subject, question)).json());
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
    show: async (question) => (await said(logSubjects.log, question)).data,
    list,
    everyNode: async () => {
      const nodes = await everyNode(nc);
      if (nodes.nodes.length + nodes.silent.length > 0) return nodes;
      throw new OperatorError(`no tower answers at ${shownUrl(servers)}`);
    },
    order: async (what, node) => NodeReport.parse(await request(dutySubjects[what], { node })),
    streams: async () => StreamsAnswer.parse(await request(clusterSubjects.streams, {})).streams,
    close: () => nc.close(),
  };
}
