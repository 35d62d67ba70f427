import type { NatsConnection, StreamInfo } from 'nats';
import { isSame } from '../../actors/auditor/archive/joined-source.js';
import { messagesAt } from '../../actors/auditor/archive/trim-plan.js';
import type { AuditMessage, AuditSource } from '../../actors/auditor/audit-source.js';
import type { Way } from '../../actors/auditor/tower-fold.js';
import { DirectReader } from '../../events/log/direct-reader.js';
import { LogDamagedError } from '../../events/log/errors.js';
import type { ShardPlan } from './trimmer.js';

export interface CompareNeeds {
  /** The archive. */
  readonly source: AuditSource;
  readonly plan: Pick<ShardPlan, 'shard' | 'cut' | 'kept'>;
  readonly copy: StreamInfo;
  readonly original: StreamInfo;
  readonly way: Way;
}

/**
 * Compares, message by message, what is to take the place of a shard's stream: up to the cut with the archive, of which it has to
 * have exactly what is kept, beyond with the stream. Rejects with `LogDamagedError` if they differ.
 */
export async function compareCopy(nc: NatsConnection, needs: CompareNeeds): Promise<void> {
  const { source, plan, copy, original, way } = needs;
  const { shard, cut, kept } = plan;
  const [name, { last_seq: last, messages }] = [copy.config.name, copy.state];
  if (last !== original.state.last_seq || messages !== kept.length + last - cut)
    throw new LogDamagedError(
      `${name} has ${messages} messages up to ${last}, where ${kept.length + last - cut} are wanted up to ${original.state.last_seq}`,
    );
  await reading(nc, way.signal, async (read) => {
    await compare(name, read(name, 1, cut), messagesAt(source, shard, kept, cut, way));
    await compare(name, read(name, cut + 1, last), read(original.config.name, cut + 1, last));
  });
}

/** Compares all of two streams, message by message. Rejects with `LogDamagedError` if they differ. */
export async function compareStreams(
  nc: NatsConnection,
  { config: { name }, state: { last_seq: last } }: StreamInfo,
  other: StreamInfo,
  { signal }: Way,
): Promise<void> {
  await reading(nc, signal, (read) => compare(name, read(name, 1, last), read(other.config.name, 1, last)));
}

type Read = (stream: string, from: number, through: number) => AsyncGenerator<AuditMessage>;

async function reading(nc: NatsConnection, signal: AbortSignal, act: (read: Read) => Promise<void>): Promise<void> {
  const subjectOf = (stream: string) => `$JS.API.DIRECT.GET.${stream}`;
  const reader = await DirectReader.open(nc, { inboxPrefix: '_INBOX', subjectOf });
  try {
    await act((stream, from, through) => singly(reader.read(stream, { from, through, sparse: true }, signal)));
  } finally {
    reader.close();
  }
}

async function compare(name: string, copied: AsyncGenerator<AuditMessage>, wanted: AsyncGenerator<AuditMessage>) {
  try {
    for await (const message of wanted) {
      const { value: found } = await copied.next();
      if (!found || !isSame(found, message) || found.time !== message.time)
        throw new LogDamagedError(`message ${message.position} of ${name} is not what there was`);
    }
    const { value: more } = await copied.next();
    if (more) throw new LogDamagedError(`${name} has message ${more.position}, which is not to be kept`);
  } finally {
    await Promise.all([copied.return(undefined), wanted.return(undefined)]);
  }
}

async function* singly(batches: AsyncIterable<readonly AuditMessage[]>): AsyncGenerator<AuditMessage> {
  for await (const batch of batches) yield* batch;
}
