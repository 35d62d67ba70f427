import { BlockWindow } from '../block-window.js';
import { ShardState } from '../shard-state.js';
import { chainOfParts, partsOfChain } from './chain-parts.js';
import {
  encodeFrame,
  readFrame,
  type Snapshot,
  SnapshotError,
  type SnapshotPlace,
  type SnapshotSubject,
} from './frame.js';
import { partsOfShard, shardOfParts } from './shard-parts.js';

/**
 * Snapshots: what was folded of a stream up to a position, as bytes. From there on, a state that was restored is what replay
 * from the beginning would be, in all that it tells and does.
 */

/** A state that there are snapshots of. */
export type Snapshottable = ShardState | BlockWindow;

/** All of a snapshot but for its signature; see `encodeFrame`. */
export const encodeSnapshot = (
  state: Snapshottable,
  subject: SnapshotSubject,
  place: Omit<SnapshotPlace, 'position'>,
): Generator<Uint8Array> =>
  encodeFrame(
    subject,
    { position: state.position, ...place },
    state instanceof ShardState ? partsOfShard(state) : partsOfChain(state),
  );

/** A state before anything is folded. */
export const emptyState = ({ kind }: SnapshotSubject): Snapshottable =>
  kind === 'shard' ? new ShardState() : new BlockWindow();

/** A state that was restored, and the snapshot that it was restored from. */
export interface Restored<S extends Snapshottable = Snapshottable> {
  readonly state: S;
  readonly snapshot: Pick<Snapshot, 'header' | 'digest'>;
}

/** The state in a snapshot of a subject. Throws `SnapshotError`. Whether it is of this log is for `messageSha256` to tell. */
export function restoreSnapshot(bytes: Uint8Array, subject: SnapshotSubject): Restored {
  const { header, digest, ...parts } = readFrame(bytes, subject);
  try {
    const { position } = header;
    const state = subject.kind === 'shard' ? shardOfParts(position, parts) : chainOfParts(position, parts);
    return { state, snapshot: { header, digest } };
  } catch (cause) {
    throw new SnapshotError('its sections cannot be read', { cause });
  }
}
