import { setTimeout as sleep } from 'node:timers/promises';
import {
  createInbox,
  ErrorCode,
  type Msg,
  type NatsConnection,
  NatsError,
  type StreamConfig,
  type StreamState,
} from 'nats';
import { LogUnavailableError } from './errors.js';
import { within } from './within.js';

/**
 * Copying a stream from one NATS server or cluster to another as the servers themselves back it up and restore it: with
 * every position, gap and time.
 *
 *   from --snapshot, chunk by chunk--> us --restore--> to
 *
 * Source: the server's API, `$JS.API.STREAM.SNAPSHOT.<stream>` and `$JS.API.STREAM.RESTORE.<stream>`.
 */

const ANSWER_MS = 60_000;
const UNHEARD_MS = 5_000;
const CHUNK_BYTES = 128 * 1024;

interface ApiAnswer {
  readonly error?: { readonly description: string };
}
interface Snapshot {
  readonly config: StreamConfig;
  readonly state: StreamState;
}

/**
 * Makes the same stream on another server, with so many replicas; gives what the new one holds.
 *
 * Rejects with `LogUnavailableError` if either server refuses, with that or a `NatsError` if one is silent for a minute.
 * What a cluster then has of the stream is an empty one without a leader, which does not come alive any more.
 */
export async function copyStream(
  from: NatsConnection,
  to: NatsConnection,
  stream: string,
  replicas: number,
): Promise<StreamState> {
  const inbox = createInbox();
  const chunks = from.subscribe(inbox);
  try {
    // `jsck` has the server check each message before it is sent.
    const ask = { deliver_subject: inbox, no_consumers: true, chunk_size: CHUNK_BYTES, jsck: true };
    const { config, state } = await request<Snapshot>(from, `$JS.API.STREAM.SNAPSHOT.${stream}`, ask);
    const wanted = { config: { ...config, num_replicas: replicas }, state };
    const { deliver_subject: target } = await request<{ deliver_subject: string }>(
      to,
      `$JS.API.STREAM.RESTORE.${stream}`,
      wanted,
    );
    const incoming = chunks[Symbol.asyncIterator]();
    for (;;) {
      const { value: chunk } = await within(incoming.next(), ANSWER_MS, `${stream} is not sent on`);
      if (!chunk) throw new LogUnavailableError(`${stream} was not sent whole`);
      if ((chunk.headers?.code ?? 0) >= 400)
        throw new LogUnavailableError(`${stream} cannot be read whole: ${chunk.headers?.description}`);
      if (chunk.data.length === 0) break;
      const answer = await insist(to, target, chunk.data);
      if (answer.data.length > 0) accepted(stream, answer.json<ApiAnswer>());
      chunk.respond(); // asks for more
    }
    const end = await to.request(target, new Uint8Array(), { timeout: ANSWER_MS });
    return accepted(stream, end.json<ApiAnswer & { state: StreamState }>()).state;
  } finally {
    chunks.unsubscribe();
  }
}

/** Asks again while nobody listens: in a cluster, whom we are connected to may hear late of who takes the stream in. */
async function insist(nc: NatsConnection, subject: string, data: Uint8Array): Promise<Msg> {
  for (const end = performance.now() + UNHEARD_MS; ; await sleep(50)) {
    try {
      return await nc.request(subject, data, { timeout: ANSWER_MS });
    } catch (error) {
      const isUnheard = error instanceof NatsError && error.code === ErrorCode.NoResponders;
      if (!isUnheard || performance.now() > end) throw error;
    }
  }
}

async function request<T extends object>(nc: NatsConnection, subject: string, question: object): Promise<T> {
  const answer = await nc.request(subject, JSON.stringify(question), { timeout: ANSWER_MS });
  return accepted(subject, answer.json<T & ApiAnswer>());
}

function accepted<T extends object>(what: string, answer: T & ApiAnswer): T {
  if (answer.error) throw new LogUnavailableError(`${what}: ${answer.error.description}`);
  return answer;
}

/** Whether two streams hold the same: as many messages and bytes, from and to the same position and time. */
export function holdTheSame(one: StreamState, other: StreamState): boolean {
  const last = ({ messages, bytes, last_seq, last_ts }: StreamState) => [messages, bytes, last_seq, last_ts].join();
  return last(one) === last(other);
}
