import { constants, setPriority } from 'node:os';
import { toHex } from '../../events/bytes.js';
import type { ChainCommit, ShardCommit } from '../../events/commit.js';
import { connectLog } from '../../events/log/connection.js';
import { HeadStore } from '../../events/log/heads.js';
import { EventLog } from '../../events/log/log.js';
import { SharedFiles } from '../../events/log/shared-files.js';
import { SNAPSHOTS } from '../../events/log/streams.js';
import { headHash } from '../../events/tree-head.js';
import { Fold, type Foldable } from '../../projections/fold.js';
import { type SnapshotPlace, seal } from '../../projections/snapshot/frame.js';
import { emptyState, encodeSnapshot, type Snapshottable } from '../../projections/snapshot/snapshot.js';
import { Order, type Report, Signature, type Task } from './protocol.js';
import { SnapshotFolder } from './snapshot-folder.js';
import { aboutOf, positionOf, SnapshotSource } from './snapshot-source.js';

/**
 * The process that makes a node's snapshots, so that the node itself is never held up by it.
 *
 *   node --what to make--> this process --last snapshot, and the log from there--> a state --> file
 *        <--to be signed--              --> the object store, if what is there is old
 *
 * It begins with the last snapshot and follows the log from there as any node does, so each one that it makes is also a
 * proof that the one before is good. It has the lowest priority, and ends when the node does, whatever becomes of that.
 */

const say = (report: Report): void => void process.send?.(report);
const whyOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function make(order: Order): Promise<void> {
  const { servers, seed, trust, name, every } = order;
  const nc = await connectLog({ servers, seed, trust, name });
  const log = await EventLog.open(nc);
  const folder = new SnapshotFolder(order.folder);
  const shared = () => SharedFiles.open(nc, SNAPSHOTS);
  const source = new SnapshotSource({
    folder,
    log,
    heads: new HeadStore(log),
    shared,
    every,
    warn: (unused) => say({ say: 'unused', ...unused }),
  });
  for (const task of order.tasks) {
    const { stream } = task;
    try {
      const made = await makeOne(order, task, { log, folder, source });
      await share(task, made, { folder, shared, every }).catch((error) =>
        say({ say: 'failed', stream, what: 'share', why: whyOf(error) }),
      );
    } catch (error) {
      say({ say: 'failed', stream, what: 'make', why: whyOf(error) });
    }
  }
  await nc.close();
}

interface Tools {
  readonly log: EventLog;
  readonly folder: SnapshotFolder;
  readonly source: SnapshotSource;
}

/** Makes a snapshot of all that is on a stream now; gives its position. */
async function makeOne({ madeBy }: Order, task: Task, { log, folder, source }: Tools): Promise<number> {
  const { stream, afresh } = task;
  const base = afresh ? undefined : await source.find(task);
  const state = base?.state ?? emptyState(task);
  const from = state.position;
  const treeHead = await newestHead(log, task);
  await follow(log, task, state);
  const { position } = state;
  const messageSha256 = await log.digestAt(stream, position);
  if (messageSha256 === undefined) throw new Error(`${stream} has no message ${position} any more`);
  let bytes = 0;
  let digest: Uint8Array = new Uint8Array();
  const pieces = function* () {
    for (const piece of encodeSnapshot(state, task, { messageSha256, madeBy, treeHead })) {
      bytes += piece.length;
      digest = piece;
      yield piece;
    }
  };
  const draft = await folder.draft(stream, pieces());
  const end = seal(await signed(toHex(digest)));
  await draft.finish(end);
  say({ say: 'made', stream, position, bytes: bytes + end.length, from });
  return position;
}

/** The newest tree head over a shard's stream, by which a snapshot names the log that it is of; null if there is none. */
async function newestHead(log: EventLog, { kind, shard }: Task): Promise<SnapshotPlace['treeHead']> {
  const newest = kind === 'shard' ? await new HeadStore(log).last(shard) : undefined;
  return newest ? { position: newest.position, sha256: headHash(newest.head) } : null;
}

/** Brings a state level with its stream, and leaves it there. */
async function follow(log: EventLog, { stream, shard }: Task, state: Snapshottable): Promise<void> {
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const fold = new Fold<ChainCommit | ShardCommit, Foldable<ChainCommit | ShardCommit>>(
    log,
    stream,
    shard,
    state as Foldable<ChainCommit | ShardCommit>,
    fail,
  );
  try {
    await Promise.race([fold.level(), failed]);
  } finally {
    fold.stop();
  }
}

/** Asks the node to sign a digest. */
async function signed(digest: string): Promise<string> {
  const answer = new Promise<unknown>((resolve) => process.once('message', resolve));
  say({ say: 'sign', digest });
  return Signature.parse(await answer).signature;
}

interface Sharing {
  readonly folder: SnapshotFolder;
  readonly shared: () => Promise<SharedFiles>;
  readonly every: number;
}

/** Lets the other nodes have a snapshot, unless they have one that is about as new. */
async function share(task: Task, position: number, { folder, shared, every }: Sharing): Promise<void> {
  const { stream, afresh } = task;
  const files = await shared();
  const about = await files.about(stream);
  const theirs = about ? positionOf(about, task) : -1;
  const isRecent = theirs <= position && position - theirs < every;
  if (theirs >= 0 && isRecent && !afresh) return;
  const bytes = await folder.read(stream);
  if (!bytes) return;
  await files.put(stream, bytes, aboutOf(task, position));
  say({ say: 'shared', stream, position });
}

setPriority(constants.priority.PRIORITY_LOW);
// The node is gone, also if it was killed: nobody is there to sign.
process.on('disconnect', () => process.exit());
// Those are for the node, which then ends the channel.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => {});
process.once('message', (order) => {
  make(Order.parse(order)).then(
    () => process.send?.({ say: 'done' } satisfies Report, () => process.exit()),
    (error) => {
      process.stderr.write(`${whyOf(error)}\n`);
      process.exit(1);
    },
  );
});
