import { NatsError } from 'nats';
import { z } from 'zod';
import type { Config } from '../actors/config.js';
import { existingNatsSeed } from '../actors/secrets.js';
import { ERROR_CODE_HEADER, operatorSubjects } from '../actors/wire.js';
import { connectLog } from '../events/log/connection.js';

/** What the operator asks of a running tower, over NATS with the operator's own key. */

/** A tower that does not answer, or says no; the message is for the operator. */
export class OperatorError extends Error {
  readonly code = 'operator';
}

export interface Operator {
  /** Asks one question; rejects with `OperatorError`. */
  ask(what: keyof typeof operatorSubjects, question?: object): Promise<Record<string, unknown>>;
  /** All items of a list, page after page. */
  list(what: keyof typeof operatorSubjects, field: string, question?: object): AsyncGenerator<unknown>;
  close(): Promise<void>;
}

/** What a server does not do, where `cause` is what came instead of a connection; `what` should have been up. */
export function whyNoConnection(cause: unknown, nkeyFile: string, what: string): string {
  const isDenied = cause instanceof NatsError && cause.code === 'AUTHORIZATION_VIOLATION';
  return isDenied ? `does not know the key in ${nkeyFile}` : `does not answer. Is ${what} up?`;
}

const Answer = z.record(z.string(), z.unknown());

export async function connectOperator(config: Config): Promise<Operator> {
  const servers = config.nats.url ?? `nats://127.0.0.1:${config.nats.port}`;
  const seed = existingNatsSeed(config.nats.operatorNkeyFile);
  const nc = await connectLog({ servers, seed, name: 'argus operator', inboxPrefix: '_INBOX_OPERATOR' }).catch(
    (cause) => {
      throw new OperatorError(`${servers} ${whyNoConnection(cause, config.nats.operatorNkeyFile, 'the tower')}`, {
        cause,
      });
    },
  );
  const ask: Operator['ask'] = async (what, question = {}) => {
    const message = await nc
      .request(operatorSubjects[what], JSON.stringify(question), { timeout: 10_000 })
      .catch((cause) => {
        throw new OperatorError(`no tower answers at ${servers}`, { cause });
      });
    const answer = Answer.parse(message.json());
    if (message.headers?.get(ERROR_CODE_HEADER)) throw new OperatorError(String(answer.error));
    return answer;
  };
  async function* list(what: keyof typeof operatorSubjects, field: string, question: object = {}) {
    for (let after: unknown = '0.0'; after; ) {
      const { [field]: items, next } = await ask(what, { ...question, after });
      yield* z.array(z.unknown()).parse(items);
      after = next;
    }
  }
  return { ask, list, close: () => nc.close() };
}
