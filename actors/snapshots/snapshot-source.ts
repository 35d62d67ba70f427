import type { HeadStore } from '../../events/log/heads.js';
import type { EventLog } from '../../events/log/log.js';
import type { SharedFiles } from '../../events/log/shared-files.js';
import { CHECKPOINTS } from '../../events/log/streams.js';
import { headHash } from '../../events/tree-head.js';
import { FOLD, FORMAT, SnapshotError, type SnapshotSubject } from '../../projections/snapshot/frame.js';
import { type Restored, restoreSnapshot } from '../../projections/snapshot/snapshot.js';
import type { SnapshotFolder } from './snapshot-folder.js';

/** How long the tower's shared snapshot is waited for, in ms. */
const SHARED_MS = 30_000;

/**
 * Where snapshots come from: the node's own folder, or else, or if that one is old, what the nodes share.
 *
 * Each is compared with the log: the message at its position has to be the one that it was made at, and the tree head that it
 * was made under has to be there. Whatever is wrong with one is told, and it is as if there were none.
 */
export class SnapshotSource {
  constructor(private readonly needs: SnapshotSourceNeeds) {}

  /** The best one of a subject; undefined if there is none. Never rejects. */
  async find(subject: SnapshotSubject): Promise<Restored | undefined> {
    const { folder, every } = this.needs;
    const { stream } = subject;
    const own = await this.#tried(subject, folder.file(stream), () => folder.read(stream));
    const tail = await this.needs.log.tail(stream).catch(() => 0);
    // Who has not been away for long does not fetch what it almost has.
    const known = own?.snapshot.header.position ?? 0;
    if (tail - known < (own ? 2 : 1) * every) return own;
    const shared = await this.#shared(subject, known + every);
    return shared ?? own;
  }

  /** What the nodes share, if it is of a position or beyond. */
  async #shared(subject: SnapshotSubject, from: number): Promise<Restored | undefined> {
    const { stream } = subject;
    return this.#tried(subject, `the tower's shared snapshot of ${stream}`, async () => {
      const files = await this.needs.shared();
      const about = await files.about(stream);
      if (!about || positionOf(about, subject) < from) return undefined;
      return files.get(stream, SHARED_MS);
    });
  }

  async #tried(
    subject: SnapshotSubject,
    file: string,
    read: () => Promise<Uint8Array | undefined>,
  ): Promise<Restored | undefined> {
    try {
      const bytes = await read();
      if (!bytes) return undefined;
      const restored = restoreSnapshot(bytes, subject);
      await this.#compare(restored.snapshot.header);
      await this.#compareHead(restored.snapshot.header);
      return restored;
    } catch (error) {
      this.needs.warn({ stream: subject.stream, file, why: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  }

  async #compare({ stream, position, messageSha256 }: Restored['snapshot']['header']): Promise<void> {
    const { log } = this.needs;
    const cut = await log.cut(stream);
    // What came between it and the cut is not told by what is left of that.
    if (position < cut)
      throw new SnapshotError(`it is of position ${position}, and ${stream} was trimmed up to ${cut}`);
    const found = await log.digestAt(stream, position);
    if (found === messageSha256) return;
    const tail = found === undefined ? await log.tail(stream) : undefined;
    throw new SnapshotError(
      tail === undefined
        ? `it is of another log: message ${position} of ${stream} is another one`
        : `it is of position ${position}, and ${stream} ends at ${tail}`,
    );
  }

  /** The tree head that it was made under has to be there still: else the log that it is of is not the one that was signed. */
  async #compareHead({ shard, treeHead }: Restored['snapshot']['header']): Promise<void> {
    if (!treeHead) return;
    const head = await this.needs.heads.at(shard, treeHead.position);
    if (head && headHash(head) === treeHead.sha256) return;
    throw new SnapshotError(`it is of another log: its tree head is not at ${treeHead.position} of ${CHECKPOINTS}`);
  }
}

/** What a shared snapshot says of itself to who has not fetched it. */
export const aboutOf = ({ tower, network }: SnapshotSubject, position: number): Record<string, string> => ({
  position: String(position),
  tower,
  network,
  format: String(FORMAT),
  fold: String(FOLD),
});

/** The position of a shared snapshot; -1 if it cannot be of use. */
export function positionOf(about: Readonly<Record<string, string>>, subject: SnapshotSubject): number {
  const { position, ...rest } = about;
  const { position: _, ...wanted } = aboutOf(subject, 0);
  const isOurs = Object.entries(wanted).every(([field, value]) => rest[field] === value);
  return isOurs && /^\d{1,15}$/.test(position ?? '') ? Number(position) : -1;
}

/** A snapshot that is not used. */
export interface UnusedSnapshot {
  readonly stream: string;
  readonly file: string;
  readonly why: string;
}

export interface SnapshotSourceNeeds {
  readonly folder: SnapshotFolder;
  readonly log: Pick<EventLog, 'tail' | 'digestAt' | 'cut'>;
  readonly heads: Pick<HeadStore, 'at'>;
  readonly shared: () => Promise<Pick<SharedFiles, 'about' | 'get'>>;
  /** After how many commits there is a new one. */
  readonly every: number;
  readonly warn: (unused: UnusedSnapshot) => void;
}
