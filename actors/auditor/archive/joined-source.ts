import { MissingMessageError } from '../../../events/log/errors.js';
import type { AuditMessage, AuditSource } from '../audit-source.js';
import type { ArchiveSource } from './archive-source.js';
import { ArchiveError } from './errors.js';

/**
 * An archive and the live log that it was made of, as one: what is archived is read from the archive, what comes after it, and
 * the blobs, from the log.
 *
 * Rejects with `ArchiveError`, which names stream and position, if they are not of one log: it has to have, at the end of each
 * archived stream, the message that the archive has there. With `LogUnavailableError` if the log does not answer.
 */
export async function joinSources(
  archive: ArchiveSource,
  live: AuditSource,
  signal: AbortSignal,
): Promise<AuditSource> {
  for (const field of ['towerId', 'network', 'shards'] as const)
    if (archive.identity[field] !== live.identity[field])
      throw new ArchiveError(
        'the archive',
        `it is of another log: its ${field} is ${archive.identity[field]}, that of the live log ${live.identity[field]}`,
      );
  for (const stream of archive.streams) await assertMeet(stream, archive, live, signal);
  return {
    identity: live.identity,
    shards: live.shards,
    hasBlobs: live.hasBlobs,
    hasPolicy: live.hasPolicy,
    parts: { archive, live },
    tail: (stream) => live.tail(stream),
    read: async function* (stream, from, through, signal) {
      const archived = Math.min(through, await archive.tail(stream));
      if (from <= archived) yield* archive.read(stream, from, archived, signal);
      const next = Math.max(from, archived + 1);
      if (next <= through) yield* live.read(stream, next, through, signal);
    },
    remaining: async function* (stream, from, through, signal) {
      const archived = Math.min(through, await archive.tail(stream));
      if (from <= archived) yield* archive.read(stream, from, archived, signal);
      const next = Math.max(from, archived + 1);
      if (next <= through) yield* live.remaining(stream, next, through, signal);
    },
    close: async () => {
      await live.close();
      await archive.close();
    },
  };
}

async function assertMeet(
  stream: string,
  archive: ArchiveSource,
  live: AuditSource,
  signal: AbortSignal,
): Promise<void> {
  const last = await archive.tail(stream);
  const tail = await live.tail(stream);
  if (tail < last)
    throw new ArchiveError(
      `${stream} ${tail + 1}`,
      `the archive has messages up to ${last}, the live log only up to ${tail}: it was set back, or is another one`,
    );
  const cut = (await live.cut?.(stream)) ?? 0;
  if (cut > last)
    throw new ArchiveError(
      `${stream} ${last + 1}`,
      `the log was trimmed up to ${cut}, and the archive has no more than ${last}`,
    );
  const [kept, found] = [await one(archive, stream, last, signal), await one(live, stream, last, signal)];
  if (!isSame(kept, found))
    throw new ArchiveError(`${stream} ${last}`, 'the archive and the live log have different messages there');
}

export const isSame = (one: AuditMessage, other: AuditMessage): boolean =>
  one.position === other.position && one.subject === other.subject && Buffer.compare(one.data, other.data) === 0;

async function one(source: AuditSource, stream: string, position: number, signal: AbortSignal): Promise<AuditMessage> {
  for await (const [message] of source.read(stream, position, position, signal)) if (message) return message;
  throw new MissingMessageError(stream, position);
}
