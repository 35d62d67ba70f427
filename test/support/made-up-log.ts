import type { ArchiveFile } from '../../actors/auditor/archive/archive-file.js';
import { archiveLog } from '../../actors/auditor/archive/archive-run.js';
import type { AuditMessage, AuditSource } from '../../actors/auditor/audit-source.js';
import { aggregateSubject } from '../../events/aggregate.js';
import { toHex } from '../../events/bytes.js';
import { encodeCommit, type Recorded, type ShardCommit } from '../../events/commit.js';
import type { Shard } from '../../events/ids.js';
import { MissingMessageError } from '../../events/log/errors.js';
import { CHAIN, CHECKPOINTS, towerStream } from '../../events/log/streams.js';
import { leafHash } from '../../events/proofs/merkle.js';
import { signMessage } from '../../events/signing/message.js';
import { encodeHead, headHash, headMessage, type TreeHead } from '../../events/tree-head.js';
import { RightEdge } from '../../projections/merkle/post-order.js';
import { block, chainCommit, connected } from '../fixtures/blocks.js';
import { ofScan, ofUser, scanned, type Unplaced } from '../fixtures/commits.js';
import { registered } from '../fixtures/histories.js';
import { headSecret, headTower } from '../fixtures/stored-heads.js';
import { type Cleanup, tempDir } from './temp-dir.js';

/** When the first block of a `MadeUpLog` was stored, in ms; the others come ten minutes apart. */
export const BEGAN = Date.parse('2026-01-01T00:00:00.000Z');
const BLOCK_MS = 600_000;

/** A log in memory that a tower has signed at every block. Its streams may be changed behind the tower's back. */
export class MadeUpLog implements AuditSource {
  readonly identity;
  readonly hasBlobs = true;
  readonly hasPolicy = true;
  readonly streams = new Map<string, AuditMessage[]>();
  readonly #edges: RightEdge[];
  readonly #heads: (TreeHead | undefined)[];
  /** Called before each message that is read. */
  onRead: (message: AuditMessage) => void = () => {};
  blocks = 0;
  closed = false;

  constructor(readonly shards = 1) {
    this.identity = { network: 'regtest', towerId: headTower as string, shards };
    this.#edges = Array.from({ length: shards }, () => new RightEdge());
    this.#heads = Array(shards).fill(undefined);
  }

  /** So many more blocks, with so many users that came before each of them to each shard. */
  grow(blocks: number, users = 3): this {
    for (let i = 0; i < blocks; i++) this.#block(++this.blocks, users);
    return this;
  }

  #block(height: number, users: number): void {
    const time = BEGAN + height * BLOCK_MS;
    this.#store(CHAIN, 'argus.chain', encodeCommit(chainCommit(height, connected(height))), time);
    for (let i = 0; i < this.shards; i++) {
      const shard = i as Shard;
      for (let user = 0; user < users; user++)
        this.#commit(shard, ofUser(`${shard} ${height} ${user}`, registered()), time + user);
      const position = this.#commit(shard, ofScan(scanned(height)), time + 1000);
      const { hash: blockHash, height: at } = block(height);
      const root = toHex(this.#edges[i]?.root() ?? new Uint8Array());
      const before = this.#heads[i];
      const previous = before ? headHash(before) : null;
      const head = { v: 1 as const, shard, treeSize: position, root, position, height: at, blockHash, previous };
      const signed = { ...head, signature: signMessage(headMessage(head), headSecret) };
      this.#heads[i] = signed;
      this.#store(CHECKPOINTS, `argus.checkpoint.${shard}`, encodeHead(signed), time + 2000);
    }
  }

  #commit(shard: Shard, unplaced: Unplaced, time: number): number {
    const stream = towerStream(shard);
    const commit: Recorded<ShardCommit> = unplaced(this.of(stream).length + 1);
    const data = encodeCommit(commit);
    this.#edges[shard]?.add(leafHash(data));
    return this.#store(stream, aggregateSubject(commit.aggregate, shard), data, time);
  }

  #store(stream: string, subject: string, data: Uint8Array, time: number): number {
    const messages = this.of(stream);
    messages.push({ stream, position: messages.length + 1, subject, time, data });
    this.streams.set(stream, messages);
    return messages.length;
  }

  /** The messages of a stream. */
  of(stream: string): AuditMessage[] {
    return this.streams.get(stream) ?? [];
  }

  async tail(stream: string): Promise<number> {
    return this.of(stream).length;
  }

  async *read(stream: string, from: number, through: number, signal: AbortSignal) {
    for (let position = from; position <= through; position++) {
      signal.throwIfAborted();
      const message = this.of(stream)[position - 1];
      if (!message) throw new MissingMessageError(stream, position);
      this.onRead(message);
      signal.throwIfAborted();
      yield [message];
    }
  }

  remaining(stream: string, from: number, through: number, signal: AbortSignal) {
    return this.read(stream, from, Math.min(through, this.of(stream).length), signal);
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

/** A signal that nothing aborts. */
export const never: AbortSignal = new AbortController().signal;

/** All that a source has of a stream, or from its first position through another. */
export async function readAll(source: AuditSource, stream: string, through?: number) {
  const found: (Omit<AuditMessage, 'data'> & { readonly data: string })[] = [];
  for await (const batch of source.read(stream, 1, through ?? (await source.tail(stream)), never))
    for (const { data, ...rest } of batch) found.push({ ...rest, data: Buffer.from(data).toString('hex') });
  return found;
}

interface Wanted {
  /** What was stored after it is left; nothing unless told. */
  readonly until?: number;
  readonly fileMessages?: number;
  /** What the log says of its network. */
  readonly network?: string;
}

/** Archives a log; gives the streams of the files that were written. */
export async function archived(
  folder: string,
  log: MadeUpLog,
  { until = Number.POSITIVE_INFINITY, fileMessages = 1000, network = 'regtest' }: Wanted = {},
  signal: AbortSignal = never,
): Promise<string[]> {
  const streams: string[] = [];
  const source: AuditSource = Object.create(log, { identity: { value: { ...log.identity, network } } });
  const wrote = ({ header }: ArchiveFile) => streams.push(header.stream);
  const progress = { expect: () => {}, add: () => {} };
  await archiveLog({ source, folder, until, fileMessages, wrote, progress, signal });
  return streams;
}

/** A folder with an archive of a log. */
export async function archiveOf(t: Cleanup, log: MadeUpLog, wanted: Wanted = {}): Promise<string> {
  const folder = tempDir(t);
  await archived(folder, log, wanted);
  return folder;
}
