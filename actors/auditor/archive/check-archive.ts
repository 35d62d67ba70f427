import type { Shard, TowerId } from '../../../events/ids.js';
import { CHECKPOINTS, towerStream } from '../../../events/log/streams.js';
import { headHash, type TreeHead } from '../../../events/tree-head.js';
import type { AuditMessage } from '../audit-source.js';
import { readIdentities } from '../log-identities.js';
import type { ArchiveFile } from './archive-file.js';
import { type Archive, archivedTo } from './archive-folder.js';
import { ArchiveSource } from './archive-source.js';
import { ArchiveError } from './errors.js';
import type { PlacedHead } from './plan.js';
import { GrowingTree, headIn } from './shard-tree.js';

/** What an archive was found to be. */
export interface Checked {
  readonly files: number;
  readonly messages: number;
  readonly heads: number;
  /** By shard: how many messages there are, all of them under the tower's signature. */
  readonly signedTo: readonly number[];
}

export interface CheckNeeds {
  readonly tower: TowerId;
  readonly onRead: (messages: number) => void;
  readonly signal: AbortSignal;
}

/** How many messages `checkArchive` reads. */
export function messagesToCheck(archive: Archive): number {
  const shards = archive.identity?.shards ?? 0;
  const all = Array.from(archive.streams.keys(), (stream) => archivedTo(archive, stream));
  return all.reduce((sum, count) => sum + count, 0) + shards * archivedTo(archive, CHECKPOINTS);
}

/**
 * Checks all of an archive: every file against its checksum and its header, and of every shard every head, and the one that
 * each file ends with, against the messages that it is over. Whether the commits make sense is for `argus audit verify`.
 * Rejects with `ArchiveError`, which names the first thing wrong.
 */
export async function checkArchive(archive: Archive, needs: CheckNeeds): Promise<Checked> {
  const { identity, streams } = archive;
  if (!identity) throw new ArchiveError(archive.folder, 'there is no archive in it');
  if (identity.towerId !== needs.tower)
    throw new ArchiveError(archive.folder, `it is of another tower: ${identity.towerId}`);
  const files = Array.from(streams.values()).flat();
  for (const file of files) await file.check(needs.signal);
  for (const file of files) if (file.header.head === null) for await (const _ of read(file, needs));
  const identities = await readIdentities(await ArchiveSource.open(archive.folder), needs.tower, needs.signal);
  const signedTo = [];
  for (let shard = 0; shard < identity.shards; shard++)
    signedTo.push(await checkShard(archive, shard as Shard, { ...needs, identities }));
  const messages = Array.from(streams.keys(), (stream) => archivedTo(archive, stream));
  return {
    files: files.length,
    messages: messages.reduce((sum, count) => sum + count, 0),
    heads: archivedTo(archive, CHECKPOINTS),
    signedTo,
  };
}

interface ShardNeeds extends CheckNeeds {
  /** Of the tower, in their order. */
  readonly identities: readonly TowerId[];
}

/** Gives how many messages of the shard there are. */
async function checkShard(archive: Archive, shard: Shard, needs: ShardNeeds): Promise<number> {
  const heads = headsOf(archive, shard, needs);
  try {
    return await compare(archive, shard, heads, needs);
  } finally {
    await heads.return(undefined);
  }
}

async function compare(
  { streams }: Archive,
  shard: Shard,
  heads: AsyncGenerator<PlacedHead, undefined>,
  needs: ShardNeeds,
): Promise<number> {
  const stream = towerStream(shard);
  const tree = new GrowingTree();
  let head = (await heads.next()).value;
  let size = 0;
  for (const file of streams.get(stream) ?? []) {
    if (tree.edge.join() !== file.header.edge.join())
      throw new ArchiveError(file.name, 'its header has other hashes of what comes before it than those files have');
    for await (const batch of read(file, needs))
      for (const message of batch) {
        tree.add(message);
        size = message.position;
        for (; head && head.signed.treeSize <= size; head = (await heads.next()).value) {
          const wrong = tree.wrongWith(head.signed, needs.identities);
          if (wrong) throw new ArchiveError(`${CHECKPOINTS} ${head.position}`, wrong);
        }
      }
    const end = file.header.head;
    const wrong = end && tree.wrongWith(end.signed, needs.identities);
    if (wrong) throw new ArchiveError(file.name, wrong);
  }
  if (head)
    throw new ArchiveError(
      `${CHECKPOINTS} ${head.position}`,
      `the tower signed this head over ${head.signed.treeSize} messages of ${stream}, and only ${size} are there: files are missing`,
    );
  return size;
}

/** The heads of a shard, each the next of the one before it. */
async function* headsOf({ streams }: Archive, shard: Shard, needs: CheckNeeds): AsyncGenerator<PlacedHead, undefined> {
  let last: TreeHead | undefined;
  for (const file of streams.get(CHECKPOINTS) ?? [])
    for await (const batch of read(file, needs))
      for (const message of batch) {
        const signed = headIn(message);
        if (signed.shard !== shard) continue;
        const { position } = message;
        const wrong = (why: string) => new ArchiveError(`${CHECKPOINTS} ${position}`, why);
        if (signed.previous !== (last ? headHash(last) : null) || signed.treeSize <= (last?.treeSize ?? 0))
          throw wrong('this head is not the next of the one before it');
        last = signed;
        yield { signed, position };
      }
  return undefined;
}

/** All messages of a file, which have to be those that its header speaks of. */
async function* read(file: ArchiveFile, { onRead, signal }: CheckNeeds): AsyncGenerator<readonly AuditMessage[]> {
  const { first, last, firstTime, lastTime, stream } = file.header;
  for await (const batch of file.messages(first, last)) {
    signal.throwIfAborted();
    for (const { position, time, subject } of batch) {
      const said = position === first ? firstTime : position === last ? lastTime : undefined;
      if (said !== undefined && Date.parse(said) !== time)
        throw new ArchiveError(file.name, `its header has another time for message ${position}`);
      if (!belongs(subject, stream)) throw new ArchiveError(file.name, `message ${position} is on ${subject}`);
    }
    yield batch;
    onRead(batch.length);
  }
}

/** Whether a subject is one of a stream's. */
function belongs(subject: string, stream: string): boolean {
  if (stream === 'CHAIN') return subject === 'argus.chain';
  if (stream === CHECKPOINTS) return subject.startsWith('argus.checkpoint.');
  return subject.startsWith(`argus.${stream.slice('TOWER_'.length)}.`);
}
