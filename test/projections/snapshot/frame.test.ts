import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat, fromHex, sha256, utf8 } from '../../../events/bytes.js';
import { Shard, TowerId } from '../../../events/ids.js';
import { ShardState } from '../../../projections/shard-state.js';
import { FOLD, FORMAT, type SnapshotSubject } from '../../../projections/snapshot/frame.js';
import { restoreSnapshot } from '../../../projections/snapshot/snapshot.js';
import { ofScan, ofTracker, ofUser, placed, scanned } from '../../fixtures/commits.js';
import { accepted, breached, registered } from '../../fixtures/histories.js';
import { hexOf } from '../../fixtures/ids.js';
import { shardSubject, signed, snapshotOf } from '../../support/snapshots.js';

const state = new ShardState();
for (const commit of placed(
  ofUser('alice', registered()),
  ofUser('alice', accepted('one')),
  ofTracker('one', breached()),
  ofScan(scanned(1000)),
))
  state.apply(commit);
const good = snapshotOf(state);

const refusal = (bytes: Uint8Array, subject: SnapshotSubject = shardSubject): string => {
  try {
    restoreSnapshot(bytes, subject);
  } catch (error) {
    assert(error instanceof Error && 'code' in error && error.code === 'unfit-snapshot', String(error));
    return error.message;
  }
  return 'taken';
};

/** A snapshot whose header is another, with checksum and signature of its own. */
function withHeader(change: (header: Record<string, unknown>) => Record<string, unknown>): Uint8Array {
  const view = new DataView(good.buffer, good.byteOffset);
  const end = 16 + view.getUint32(12, true);
  const header = utf8(JSON.stringify(change(JSON.parse(new TextDecoder().decode(good.subarray(16, end))))));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, header.length, true);
  const frame = concat(good.subarray(0, 12), length, header, good.subarray(end, -97));
  return signed(concat(frame, sha256(frame)));
}

describe('a snapshot is refused', () => {
  test('unless nothing is wrong with it', () => {
    assert.equal(refusal(good), 'taken');
    assert.equal(refusal(withHeader((header) => header)), 'taken');
  });

  test('when any byte of it is another', () => {
    for (let at = 0; at < good.length; at++)
      for (const flip of [1, 32, 128]) {
        const bytes = new Uint8Array(good);
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        assert.notEqual(refusal(bytes), 'taken', `byte ${at}`);
      }
  });

  test('when it ends too early, wherever, or too late', () => {
    for (let length = 0; length < good.length; length++)
      assert.notEqual(refusal(good.subarray(0, length)), 'taken', `${length} bytes`);
    assert.notEqual(refusal(concat(good, Uint8Array.of(0))), 'taken');
  });

  test('when a newer Argus wrote it, which is said', () => {
    const bytes = new Uint8Array(good);
    bytes[8] = FORMAT + 1;
    assert.equal(refusal(bytes), `a newer Argus wrote it: format ${FORMAT + 1}`);
  });

  test('when states are made otherwise by now', () => {
    assert.match(refusal(withHeader((header) => ({ ...header, fold: FOLD - 1 }))), /other states/);
    assert.match(refusal(withHeader((header) => ({ ...header, fold: FOLD + 1 }))), /other states/);
  });

  test('when it is of another tower, network, shard or stream, or of the chain', () => {
    const tower = TowerId.parse(`02${hexOf('another', 32)}`);
    for (const other of [
      { tower },
      { network: 'mainnet' },
      { stream: 'TOWER_1' },
      { shard: Shard.parse(1) },
      { kind: 'chain' as const },
    ])
      assert.match(refusal(good, { ...shardSubject, ...other }), /^it is of /);
  });

  test('when another key signed it: to write where snapshots are kept is not enough', () => {
    assert.equal(refusal(snapshotOf(state, fromHex(hexOf('another', 32)))), 'the tower has not signed it');
  });

  test('when its header says of its sections what is not so', () => {
    assert.match(refusal(withHeader((header) => ({ ...header, sections: [] }))), /as long as it says/);
    assert.match(refusal(withHeader(({ sections: _, ...header }) => header)), /header cannot be read/);
  });
});
