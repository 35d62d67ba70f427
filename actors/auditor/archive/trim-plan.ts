import type { Recorded, ShardCommit } from '../../../events/commit.js';
import type { Shard } from '../../../events/ids.js';
import { towerStream } from '../../../events/log/streams.js';
import { leafHash } from '../../../events/proofs/merkle.js';
import { ShardState } from '../../../projections/shard-state.js';
import { stateDigest } from '../../../projections/state-digest.js';
import { TrimSelection } from '../../../projections/trim/selection.js';
import type { AuditMessage, AuditSource } from '../audit-source.js';
import { CommitReader, type CommitSink } from '../commit-reader.js';
import type { Way } from '../tower-fold.js';
import { ArchiveError } from './errors.js';

/** The positions up to a cut that a trimmed stream keeps: see `TrimSelection`. */
export async function selectKept(source: AuditSource, shard: Shard, cut: number, way: Way): Promise<Float64Array> {
  return (await select(source, shard, cut, way)).kept();
}

/**
 * The same, after it was tried that what is folded of those alone is what is folded of all. Rejects with `ArchiveError` if the two
 * states differ, which would be a fault of Argus. Reads the log twice.
 */
export async function planTrim(source: AuditSource, shard: Shard, cut: number, way: Way): Promise<Float64Array> {
  const whole = new ShardState();
  const kept = (await select(source, shard, cut, way, whole)).kept();
  const rest = new ShardState();
  const sink = sinkOf([rest]);
  const reader = new CommitReader(towerStream(shard), shard, 0);
  for await (const message of messagesAt(source, shard, kept, cut, way)) {
    reader.skipTo(message.position);
    reader.read(message, sink);
  }
  if (stateDigest(rest) === stateDigest(whole)) return kept;
  const why = `what is to be kept of the messages up to ${cut} is not the same state as all of them`;
  throw new ArchiveError(towerStream(shard), why);
}

/** Reads all up to a cut into a selection, and into a state if one is given. */
async function select(source: AuditSource, shard: Shard, cut: number, way: Way, state?: ShardState) {
  const selection = new TrimSelection();
  const sink = sinkOf(state ? [selection, state] : [selection]);
  const reader = new CommitReader(towerStream(shard), shard, 0);
  for await (const batch of batches(source, shard, cut, way)) for (const message of batch) reader.read(message, sink);
  return selection;
}

/** The hashes of the leaves of all messages up to a cut, in order. */
export async function* leavesOf(source: AuditSource, shard: Shard, cut: number, way: Way): AsyncGenerator<Uint8Array> {
  for await (const batch of batches(source, shard, cut, way)) for (const { data } of batch) yield leafHash(data);
}

/** The messages at these positions, ascending. */
export async function* messagesAt(
  source: AuditSource,
  shard: Shard,
  kept: Iterable<number>,
  cut: number,
  way: Way,
): AsyncGenerator<AuditMessage> {
  const wanted = kept[Symbol.iterator]();
  let next = wanted.next();
  for await (const batch of batches(source, shard, cut, way))
    for (const message of batch) {
      if (next.done || message.position !== next.value) continue;
      next = wanted.next();
      yield message;
    }
}

async function* batches(source: AuditSource, shard: Shard, cut: number, { signal, onRead }: Way) {
  for await (const batch of source.read(towerStream(shard), 1, cut, signal)) {
    yield batch;
    onRead?.(batch.length);
  }
}

const sinkOf = (takers: readonly Pick<ShardState, 'apply' | 'accept'>[]): CommitSink => ({
  onCommit: (commit) => {
    for (const taker of takers) taker.apply(commit as Recorded<ShardCommit>);
  },
  onAcceptance: (acceptance, { position }) => {
    for (const taker of takers) taker.accept(acceptance, position);
  },
});
