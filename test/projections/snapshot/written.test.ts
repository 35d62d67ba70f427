import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { BlockWindow } from '../../../projections/block-window.js';
import { ShardState } from '../../../projections/shard-state.js';
import { FORMAT } from '../../../projections/snapshot/frame.js';
import { restoreSnapshot } from '../../../projections/snapshot/snapshot.js';
import { chainHistory, shardHistory, storedSnapshots } from '../../fixtures/stored-snapshots.js';
import { chainSubject, shardSubject } from '../../support/snapshots.js';

/**
 * Snapshots that were written once are read for ever, and are what folding the same events gives today.
 *
 * If a state fails here whose events are folded otherwise than before, on purpose, then no snapshot of before may be
 * used any more: raise `FOLD` (`projections/snapshot/frame.ts`), and write the fixtures anew.
 */
describe('a snapshot that was written', () => {
  const bytesOf = (text: string) => new Uint8Array(gunzipSync(Buffer.from(text, 'base64')));

  test('is kept for every version of the format', () => {
    const versions = Array.from({ length: FORMAT }, (_, n) => n + 1);
    assert.deepEqual(Object.keys(storedSnapshots).map(Number), versions);
  });

  for (const [version, { shard, chain }] of Object.entries(storedSnapshots)) {
    test(`in format ${version} is what the history of a shard is folded to`, () => {
      const { state } = restoreSnapshot(bytesOf(shard), shardSubject);
      const wanted = new ShardState();
      for (const commit of shardHistory) wanted.apply(commit);
      assert.equal(JSON.stringify(state), JSON.stringify(wanted));
    });

    test(`in format ${version} is what the history of the chain is folded to`, () => {
      const { state } = restoreSnapshot(bytesOf(chain), chainSubject);
      const wanted = new BlockWindow();
      for (const commit of chainHistory) wanted.apply(commit);
      assert.equal(JSON.stringify(state), JSON.stringify(wanted));
    });
  }
});
