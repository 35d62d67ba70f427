import type { NatsConnection } from 'nats';
import { z } from 'zod';
import type { Position } from '../../events/ids.js';
import { DirectReader, type Range } from '../../events/log/direct-reader.js';
import { LogUnavailableError, MissingMessageError, TrimmedError } from '../../events/log/errors.js';
import { pull } from '../../events/log/pull-reader.js';
import { CHAIN, type LogIdentity, shardOfStream } from '../../events/log/streams.js';
import { copyStreamOf, cutOf, TRIMMING } from '../../events/log/trims.js';
import { AUDIT_CONSUMER, AuditConsumer } from '../audit-wire.js';
import type { AuditSource } from './audit-source.js';

/** How an auditor's requests are called in its account of NATS, which `nats.conf` gives it and which can do nothing else. */
export const AUDITOR_INBOX = '_INBOX_AUDITOR';

/** On which subjects the log is asked, and where the answers come. */
interface Subjects {
  readonly inboxPrefix: string;
  readonly infoOf: (stream: string) => string;
  readonly messagesOf: (stream: string) => string;
  /** Where nodes make a consumer for an auditor, and where such a one is asked for messages; without it direct gets have to do. */
  readonly consumer?: {
    readonly makeOf: (stream: string) => string;
    readonly nextOf: (stream: string, consumer: string) => string;
  };
}

const AS_AUDITOR: Subjects = {
  inboxPrefix: AUDITOR_INBOX,
  infoOf: (stream) => `argus.audit.v1.info.${stream}`,
  messagesOf: (stream) => `argus.audit.v1.get.${stream}`,
  consumer: {
    makeOf: (stream) => `${AUDIT_CONSUMER}.${stream}`,
    nextOf: (stream, consumer) => `argus.audit.v1.next.${stream}.${consumer}`,
  },
};

/** For a connection with the nodes' key, which reads the log where it is. */
export const AS_NODE: Subjects = {
  inboxPrefix: '_INBOX',
  infoOf: (stream) => `$JS.API.STREAM.INFO.${stream}`,
  messagesOf: (stream) => `$JS.API.DIRECT.GET.${stream}`,
};

const REQUEST_MS = 5_000;
const TRIES = 4;
/** So many messages are worth a consumer; and how long a node may take to make one, in ms. */
const MANY = 3_000;
const MAKING_MS = 2_000;
/** What the server says of a stream that is not there. */
const STREAM_NOT_FOUND = 10059;

const StreamInfo = z.object({
  error: z.object({ err_code: z.number(), description: z.string() }).optional(),
  config: z.object({ metadata: z.record(z.string(), z.string()).optional() }).optional(),
  state: z.object({ last_seq: z.number().int() }).optional(),
});

/**
 * The log as it is on NATS now, with the auditor's key unless told; `seed` is that of the connection. Rejects with `LogUnavailableError`
 * if there is none, or it does not answer.
 */
export async function openLiveSource(nc: NatsConnection, seed: string, as = AS_AUDITOR): Promise<AuditSource> {
  const { inboxPrefix, infoOf, messagesOf: subjectOf, consumer } = as;
  const ask = (stream: string) => streamInfo(nc, stream, infoOf(stream));
  /** Rejects with `LogUnavailableError` while the stream is being trimmed: it may not be there then, or be a copy that is not whole. */
  const infoAbout = async (stream: string) => {
    let info = await ask(stream);
    const shard = shardOfStream(stream);
    if (!info && shard !== undefined) {
      if (await ask(copyStreamOf(shard))) throw beingTrimmed(stream);
      info = await ask(stream); // there may be no copy since it came to its end just then
    }
    if (info?.config?.metadata?.[TRIMMING] !== undefined) throw beingTrimmed(stream);
    return info;
  };
  const identity = identityOf(await ask(CHAIN));
  const reader = await DirectReader.open(nc, { seed, inboxPrefix, subjectOf });
  const closing = new AbortController();
  /** By a consumer, where one is to be had, and what that does not give by position. */
  async function* read(stream: string, range: Range, signal: AbortSignal) {
    let next = range.from;
    const name =
      consumer && range.through - range.from >= MANY && (await makeConsumer(nc, consumer.makeOf(stream), next));
    if (name) {
      const options = { seed, inboxPrefix, stream, subject: consumer.nextOf(stream, name) };
      const pulled = pull(nc, options, range, AbortSignal.any([signal, closing.signal]));
      try {
        let batch = await pulled.next();
        for (; !batch.done; batch = await pulled.next()) {
          yield batch.value;
          next = (batch.value.at(-1)?.position ?? next - 1) + 1;
        }
        if (batch.value) return;
      } finally {
        await pulled.return(false);
      }
    }
    yield* reader.read(stream, { ...range, from: next }, signal);
  }
  const cut = async (stream: string) => cutOf((await infoAbout(stream))?.config ?? {});
  /** Why a message was not there. A stream that is trimmed meanwhile lacks messages for a while. */
  const whyMissing = async (error: MissingMessageError, signal: AbortSignal): Promise<Error> => {
    const { stream, position } = error;
    const trimmed = await cut(stream);
    if (position <= trimmed) return new TrimmedError(stream, trimmed);
    if (shardOfStream(stream) === undefined) return error;
    for await (const _ of reader.read(stream, { from: position, through: position }, signal));
    return new LogUnavailableError(`message ${position} of ${stream} was not there for a moment: try again`);
  };
  return {
    identity,
    shards: identity.shards,
    hasBlobs: true,
    hasPolicy: true,
    tail: async (stream) => (await infoAbout(stream))?.state?.last_seq ?? 0,
    cut,
    read: async function* (stream, from, through, signal) {
      try {
        yield* read(stream, { from, through }, signal);
      } catch (error) {
        throw error instanceof MissingMessageError ? await whyMissing(error, signal) : error;
      }
    },
    remaining: (stream, from, through, signal) => read(stream, { from, through, sparse: true }, signal),
    close: async () => {
      closing.abort(new LogUnavailableError('the log was closed'));
      reader.close();
      await nc.close();
    },
  };
}

const beingTrimmed = (stream: string) =>
  new LogUnavailableError(
    `${stream} is being trimmed: try again when that is done (if it was broken off, whoever runs the tower has to run argus archive FOLDER --trim to its end)`,
  );

/** The name of a consumer of a stream that begins at a position; undefined if no node makes one. */
async function makeConsumer(nc: NatsConnection, subject: string, from: Position): Promise<string | undefined> {
  try {
    const answer = await nc.request(subject, JSON.stringify({ from }), { timeout: MAKING_MS });
    return AuditConsumer.parse(answer.json()).consumer;
  } catch {
    return undefined;
  }
}

/** Undefined if there is no such stream. */
async function streamInfo(
  nc: NatsConnection,
  stream: string,
  subject: string,
): Promise<z.infer<typeof StreamInfo> | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      const answer = await nc.request(subject, '', { timeout: REQUEST_MS });
      const info = StreamInfo.parse(answer.json());
      if (!info.error) return info;
      if (info.error.err_code === STREAM_NOT_FOUND) return undefined;
      throw new Error(info.error.description);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      if (tries >= TRIES) throw new LogUnavailableError(`${stream} does not say how it is: ${why}`, { cause });
    }
  }
}

function identityOf(chain: z.infer<typeof StreamInfo> | undefined): LogIdentity {
  const said = chain?.config?.metadata ?? {};
  const shards = Number(said['argus.shards']);
  const { 'argus.network': network, 'argus.tower': towerId } = said;
  if (!network || !towerId || !Number.isInteger(shards) || shards < 1 || shards > 10_000)
    throw new LogUnavailableError('there is no log of a tower');
  return { network, towerId, shards };
}
