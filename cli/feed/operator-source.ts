import { gunzipSync } from 'node:zlib';
import type { AuditMessage } from '../../actors/auditor/audit-source.js';
import type { HistorySource } from '../../actors/auditor/history-source.js';
import { LogAnswer, type LogQuestion, LogTails } from '../../actors/log-wire.js';
import { parseJson } from '../../events/json.js';
import { LogUnavailableError, MissingMessageError } from '../../events/log/errors.js';
import { type Operator, OperatorError } from '../operator.js';

/** How old an answer about all streams may be when the next one of them is asked for, in ms: less than between two rounds of a feed. */
const GOOD_MS = 150;
/** The longest that an answer may become when it is unpacked, in bytes. */
const LONGEST = 64 << 20;

/** The log, as any node of a running tower shows it to its operator. Rejects with `LogUnavailableError` while none does. */
export async function openOperatorSource(operator: Pick<Operator, 'show'>): Promise<HistorySource> {
  let asked: { readonly at: number; readonly answer: Promise<LogTails> } | undefined;
  const tails = () => {
    const now = performance.now();
    if (!asked || now - asked.at > GOOD_MS) {
      const answer = ask(operator, { what: 'tails' }).then((said) => LogTails.parse(said));
      answer.catch(() => undefined); // told to whoever waits for it
      asked = { at: now, answer };
    }
    return asked.answer;
  };
  const { shards } = await tails();
  return {
    shards,
    tail: async (stream) => (await tails()).tails[stream] ?? 0,
    read: (stream, from, through, signal) => read(operator, stream, from, through, signal),
  };
}

async function* read(
  operator: Pick<Operator, 'show'>,
  stream: string,
  from: number,
  through: number,
  signal: AbortSignal,
): AsyncGenerator<readonly AuditMessage[]> {
  for (let next = from; next <= through; ) {
    signal.throwIfAborted();
    const limit = Math.min(MOST_AT_ONCE, through - next + 1);
    const { messages } = LogAnswer.parse(await ask(operator, { what: 'messages', stream, from: next, limit }));
    const batch = messages.map(({ data, ...where }) => ({ ...where, stream, data: Buffer.from(data, 'utf8') }));
    const last = batch.at(-1);
    // Another node was asked how far the stream is, and this one has not got so far.
    if (!last) throw new LogUnavailableError(`${stream} is not to be had from ${next} on yet`);
    if (batch[0]?.position !== next) throw new MissingMessageError(stream, next);
    yield batch;
    next = last.position + 1;
  }
}

const MOST_AT_ONCE = 500;

async function ask(operator: Pick<Operator, 'show'>, question: LogQuestion): Promise<unknown> {
  try {
    return parseJson(gunzipSync(await operator.show(question), { maxOutputLength: LONGEST }));
  } catch (error) {
    if (error instanceof OperatorError) throw new LogUnavailableError(error.message, { cause: error });
    throw error;
  }
}
