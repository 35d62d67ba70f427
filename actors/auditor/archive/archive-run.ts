import type { Shard } from '../../../events/ids.js';
import { TowerId } from '../../../events/ids.js';
import { MissingMessageError } from '../../../events/log/errors.js';
import { CHAIN, CHECKPOINTS, towerStream } from '../../../events/log/streams.js';
import { version } from '../../version.js';
import type { AuditMessage, AuditSource } from '../audit-source.js';
import { readIdentities } from '../log-identities.js';
import type { ArchiveFile } from './archive-file.js';
import { type Archive, openArchive, withFolder } from './archive-folder.js';
import { ArchiveSource } from './archive-source.js';
import { ArchiveError } from './errors.js';
import { archiveHeader } from './header.js';
import { joinSources } from './joined-source.js';
import { messageAt, type PlacedHead, type Plan, planRun } from './plan.js';
import { GrowingTree } from './shard-tree.js';
import { writeArchiveFile } from './write-file.js';

/**
 * Brings an archive up to what is old enough now:
 *
 *   live log --CHAIN, then TOWER_0, TOWER_1..., then CHECKPOINTS--> files, each whole before the next is begun
 *
 * In that order a run that was broken off leaves no head without its messages. The next one goes on behind what is there.
 */

export interface ArchiveOptions {
  readonly source: AuditSource;
  readonly folder: string;
  /** What was stored after this is left, in ms since 1970. */
  readonly until: number;
  /** How many messages a file may hold, if there are heads to end it with. */
  readonly fileMessages?: number;
  /** Called for each file that is whole. */
  readonly wrote: (file: ArchiveFile) => void;
  readonly progress: { expect(count: number): void; add(count: number): void };
  readonly signal: AbortSignal;
}

/** Some 150 MB as they are stored, some 50 MB packed. */
const FILE_MESSAGES = 250_000;

/**
 * Gives how far the archive goes then. Rejects with `ArchiveError` if what is there is damaged or contradicts the log, or if the
 * log is not what the tower signed: such a log is for `argus audit verify` to look at. With `LogUnavailableError` if the
 * log does not answer.
 */
export function archiveLog(options: ArchiveOptions): Promise<Archive> {
  return withFolder(options.folder, async () => {
    const archive = await openArchive(options.folder);
    await new Run(options, archive).all();
    return openArchive(options.folder);
  });
}

class Run {
  readonly #last: Map<string, ArchiveFile | undefined>;
  readonly #tower: TowerId;
  #identities: readonly TowerId[] = [];

  constructor(
    private readonly options: ArchiveOptions,
    private readonly archive: Archive,
  ) {
    this.#last = new Map(Array.from(archive.streams, ([stream, files]) => [stream, files.at(-1)]));
    this.#tower = TowerId.parse(options.source.identity.towerId);
  }

  async all(): Promise<void> {
    const { source, folder, until, fileMessages = FILE_MESSAGES, progress, signal } = this.options;
    // What it goes on from has to be of this log, and whole.
    if (this.archive.identity) await joinSources(await ArchiveSource.open(folder), source, signal);
    for (const file of this.#last.values()) await file?.check(signal);
    this.#identities = await readIdentities(source, this.#tower, signal);
    const archivedTo = (stream: string) => this.#to(stream);
    const headOf = (stream: string) => this.#last.get(stream)?.header.head?.position ?? 0;
    const plan = await planRun({ source, archivedTo, headOf, until, fileMessages, signal });
    progress.expect(this.#messages(plan));
    await this.#plain(CHAIN, plan.chain, fileMessages);
    for (const [shard, cuts] of plan.cuts.entries()) await this.#shard(shard as Shard, cuts);
    await this.#plain(CHECKPOINTS, plan.heads, fileMessages);
  }

  #to(stream: string): number {
    return this.#last.get(stream)?.header.last ?? 0;
  }

  #messages({ chain, heads, cuts }: Plan): number {
    const shards = cuts.map((ends, shard) => {
      const from = this.#to(towerStream(shard as Shard));
      return (ends.at(-1)?.signed.treeSize ?? from) - from;
    });
    return [chain - this.#to(CHAIN), heads - this.#to(CHECKPOINTS), ...shards].reduce((sum, count) => sum + count, 0);
  }

  async #shard(shard: Shard, cuts: readonly PlacedHead[]): Promise<void> {
    if (cuts.length === 0) return;
    const stream = towerStream(shard);
    const tree = await this.#treeBehind(stream);
    for (const head of cuts)
      await this.#write(stream, head.signed.treeSize, {
        edge: tree.edge,
        head,
        through: (messages) => tree.through(messages),
        whole: () => {
          const wrong = tree.wrongWith(head.signed, this.#identities);
          if (wrong === undefined) return;
          throw new ArchiveError(
            `${stream} ${this.#to(stream) + 1} to ${head.signed.treeSize}`,
            `${wrong} (message ${head.position} of ${CHECKPOINTS}). argus audit verify tells more`,
          );
        },
      });
  }

  /** The tree over what is archived of a shard, by its last file. */
  async #treeBehind(stream: string): Promise<GrowingTree> {
    const file = this.#last.get(stream);
    const tree = new GrowingTree(file?.header.edge);
    if (!file) return tree;
    const { first, last, head } = file.header;
    for await (const batch of file.messages(first, last)) for (const message of batch) tree.add(message);
    const wrong = head && tree.wrongWith(head.signed, this.#identities);
    if (wrong) throw new ArchiveError(file.name, wrong);
    return tree;
  }

  async #plain(stream: string, end: number, fileMessages: number): Promise<void> {
    while (this.#to(stream) < end)
      await this.#write(stream, Math.min(end, this.#to(stream) + fileMessages), { edge: [], head: null });
  }

  async #write(stream: string, last: number, { edge, head, through = (all) => all, whole }: Content): Promise<void> {
    const { source, folder, progress, wrote, signal } = this.options;
    const before = this.#last.get(stream);
    const first = (before?.header.last ?? 0) + 1;
    const { network, shards } = source.identity;
    const header = archiveHeader({
      tower: this.#tower,
      network,
      shards,
      stream,
      first,
      last,
      firstTime: await this.#time(stream, first),
      lastTime: await this.#time(stream, last),
      edge,
      head,
      previous: before?.sha256 ?? null,
      madeBy: version,
    });
    const counted = async function* (batches: AsyncIterable<readonly AuditMessage[]>) {
      for await (const batch of batches) {
        yield batch;
        progress.add(batch.length);
      }
    };
    const messages = through(counted(source.read(stream, first, last, signal)));
    const file = await writeArchiveFile(folder, header, messages, whole);
    this.#last.set(stream, file);
    wrote(file);
  }

  async #time(stream: string, position: number): Promise<string> {
    const message = await messageAt(this.options.source, stream, position, this.options.signal);
    if (!message) throw new MissingMessageError(stream, position);
    return new Date(message.time).toISOString();
  }
}

/** What is in a file, but for where it begins and ends. */
interface Content {
  readonly edge: (string | null)[];
  readonly head: PlacedHead | null;
  readonly through?: (messages: AsyncIterable<readonly AuditMessage[]>) => AsyncIterable<readonly AuditMessage[]>;
  readonly whole?: () => void;
}
