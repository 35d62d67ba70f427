import { MissingMessageError } from '../../../events/log/errors.js';
import type { LogIdentity } from '../../../events/log/streams.js';
import type { AuditMessage, AuditSource } from '../audit-source.js';
import { type Archive, archivedTo, openArchive } from './archive-folder.js';
import { ArchiveError } from './errors.js';

/** A log as an archive has it, without any server. It has no blobs, and no invites. What is read rejects with `ArchiveError` where a file is damaged. */
export class ArchiveSource implements AuditSource {
  readonly hasBlobs = false;
  readonly hasPolicy = false;
  /** The messages that were unpacked last: who looks for a place comes back to them. */
  #last: readonly AuditMessage[] = [];

  private constructor(
    private readonly archive: Archive,
    readonly identity: LogIdentity,
  ) {}

  /** Rejects with `ArchiveError` if there is no archive, or its files do not follow one another. */
  static async open(folder: string): Promise<ArchiveSource> {
    const archive = await openArchive(folder);
    if (!archive.identity) throw new ArchiveError(folder, 'there is no archive in it');
    return new ArchiveSource(archive, archive.identity);
  }

  get shards(): number {
    return this.identity.shards;
  }

  /** What it has something of. */
  get streams(): readonly string[] {
    return [...this.archive.streams.keys()];
  }

  async tail(stream: string): Promise<number> {
    return archivedTo(this.archive, stream);
  }

  async *read(stream: string, from: number, through: number, signal: AbortSignal) {
    if (from === through) {
      yield [await this.#one(stream, from)];
      return;
    }
    let next = from;
    for (const file of this.archive.streams.get(stream) ?? []) {
      const { first, last } = file.header;
      if (last < next || first > through) continue;
      for await (const batch of file.messages(next, Math.min(last, through))) {
        signal.throwIfAborted();
        next += batch.length;
        yield batch;
      }
    }
    if (next <= through) throw new MissingMessageError(stream, next);
  }

  async #one(stream: string, position: number): Promise<AuditMessage> {
    const among = () => this.#last.find((message) => message.position === position && message.stream === stream);
    const known = among();
    if (known) return known;
    const file = this.archive.streams.get(stream)?.find(({ header }) => header.last >= position);
    if (!file || file.header.first > position) throw new MissingMessageError(stream, position);
    this.#last = await file.around(position);
    return among() ?? Promise.reject(new MissingMessageError(stream, position));
  }

  async *remaining(stream: string, from: number, through: number, signal: AbortSignal) {
    yield* this.read(stream, from, Math.min(through, archivedTo(this.archive, stream)), signal);
  }

  async close(): Promise<void> {}
}
