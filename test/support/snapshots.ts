import { concat, fromHex, toHex } from '../../events/bytes.js';
import { Shard, TowerId } from '../../events/ids.js';
import { signMessage } from '../../events/signing/message.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { ShardState } from '../../projections/shard-state.js';
import { type SnapshotPlace, type SnapshotSubject, seal, signedText } from '../../projections/snapshot/frame.js';
import { encodeSnapshot, restoreSnapshot, type Snapshottable } from '../../projections/snapshot/snapshot.js';
import { hexOf } from '../fixtures/ids.js';

/** Snapshots as a tower with a made-up key makes them. */

const towerSecret = fromHex(hexOf('tower', 32));
/** Its id. */
export const tower = TowerId.parse(toHex(secp256k1.publicKey(towerSecret)));
const common = { tower, network: 'regtest', shard: Shard.parse(0) };

export const shardSubject: SnapshotSubject = { kind: 'shard', stream: 'TOWER_0', ...common };
export const chainSubject: SnapshotSubject = { kind: 'chain', stream: 'CHAIN', ...common };

/** What is made up of the place: the hash of the message there. */
export const place = { messageSha256: hexOf('message', 32), madeBy: '0.1.0' };

/** A whole snapshot, signed by the tower unless told otherwise. */
export function snapshotOf(
  state: Snapshottable,
  secret: Uint8Array = towerSecret,
  treeHead: SnapshotPlace['treeHead'] = null,
): Uint8Array {
  const subject = state instanceof ShardState ? shardSubject : chainSubject;
  return signed(concat(...encodeSnapshot(state, subject, { ...place, treeHead })), secret);
}

/** A frame with a signature. */
export const signed = (frame: Uint8Array, secret: Uint8Array = towerSecret): Uint8Array =>
  concat(frame, seal(signMessage(signedText(frame.subarray(-32)), secret)));

/** A shard's state as it is after it was written and read. */
export function rewritten(state: ShardState): ShardState {
  const restored = restoreSnapshot(snapshotOf(state), shardSubject).state;
  if (restored instanceof ShardState) return restored;
  throw new TypeError('not a shard');
}

/** What the tower signs a snapshot with; its digest in hex. */
export const signatureOf = (digest: string): string => signMessage(signedText(fromHex(digest)), towerSecret);
