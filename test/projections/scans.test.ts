import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BlockUnread, ScanEvent } from '../../events/scan.js';
import { Scans } from '../../projections/scans.js';
import { block, connectedUpTo, disconnected, windowOf } from '../fixtures/blocks.js';
import { scanned as scannedAt } from '../fixtures/commits.js';

const unread = (at: number, branch = 'a'): BlockUnread => ({ type: 'BlockUnread', ...block(at, branch) });

/** Branch `a` was connected by the first commit, branch `b` by the second. */
const connectedAt = (branch: string) => (branch === 'a' ? 1 : 2);
const scanned = (at: number, branch = 'a') => scannedAt(at, branch, connectedAt(branch));
const placed = (at: number, branch = 'a') => ({ ...block(at, branch), position: connectedAt(branch) });

function scansOf(...events: ScanEvent[]): Scans {
  const scans = new Scans();
  for (const event of events) scans.apply(event);
  return scans;
}

describe('the scans of a shard', () => {
  const chain = windowOf(connectedUpTo(100, 110));
  const reorged = windowOf(connectedUpTo(100, 110), [
    ...[110, 109, 108].map((height) => disconnected(height)),
    ...connectedUpTo(108, 111, 'b'),
  ]);

  test('know each block that was scanned', () => {
    const scans = scansOf(scanned(100), scanned(101));
    assert.ok(scans.isScanned(placed(100)));
    assert.ok(!scans.isScanned(placed(102)));
    assert.ok(!scans.isScanned(placed(100, 'b')));
  });

  test('give the highest one on the best chain', () => {
    assert.equal(scansOf().highestOn(chain), undefined);
    assert.deepEqual(scansOf(scanned(100), scanned(108), scanned(104)).highestOn(chain), block(108));
    assert.equal(scansOf(scanned(99), scanned(111)).highestOn(chain), undefined);
  });

  test('after a reorg give the highest that is still on it', () => {
    const scans = scansOf(scanned(100), scanned(107), scanned(108), scanned(110));
    assert.deepEqual(scans.highestOn(chain), block(110));
    assert.deepEqual(scans.highestOn(reorged), block(107));
    scans.apply(scanned(108, 'b'));
    assert.deepEqual(scans.highestOn(reorged), block(108, 'b'));
    assert.ok(!scans.isScanned(placed(108)), 'one block a height: the other is scanned again should it come back');
  });

  test('are of no use for a block that was taken back and came again: something may have been accepted meanwhile', () => {
    const there = [110, 109, 108].map((height) => disconnected(height));
    const back = [111, 110, 109, 108].map((height) => disconnected(height, 'b'));
    const returned = windowOf(
      connectedUpTo(100, 110),
      [...there, ...connectedUpTo(108, 111, 'b')],
      [...back, ...connectedUpTo(108, 112)],
    );
    const scans = scansOf(scanned(107), scanned(110), scanned(111, 'b'));
    assert.ok(returned.isBest(block(110)));
    assert.deepEqual(scans.highestOn(returned), block(107));
    assert.ok(!scans.isScanned({ ...block(110), position: 3 }));
    scans.apply(scannedAt(110, 'a', 3));
    assert.deepEqual(scans.highestOn(returned), block(110));
  });

  test('remember four weeks of blocks, whichever were scanned last', () => {
    const scans = scansOf(...Array.from({ length: 4032 }, (_, n) => scanned(1000 + n)));
    assert.ok(scans.isScanned(placed(1000)));
    scans.apply(scanned(1000));
    scans.apply(scanned(6000));
    assert.ok(scans.isScanned(placed(1000)), 'scanned anew just before');
    assert.ok(!scans.isScanned(placed(1001)));
    assert.ok(scans.isScanned(placed(1002)));
    assert.ok(scans.isScanned(placed(6000)));
  });

  test('keep a block that nobody could read as a gap, whatever is scanned above it, until it is scanned itself', () => {
    const scans = scansOf(scanned(102), unread(104), unread(103), scanned(110));
    assert.deepEqual(scans.highestOn(chain), block(110));
    assert.deepEqual(scans.unreadOn(chain), [block(103), block(104)]);
    scans.apply(scanned(104));
    assert.deepEqual(scans.unreadOn(chain), [block(103)]);
    assert.deepEqual(scans.highestOn(chain), block(110));
    for (let at = 0; at < 5000; at++) scans.apply(scanned(200 + at));
    assert.deepEqual(scans.unreadOn(chain), [block(103)], 'a gap is remembered for ever');
  });

  test('show a gap on the best chain only, and again should its branch come back', () => {
    const scans = scansOf(unread(109));
    assert.deepEqual(scans.unreadOn(reorged), []);
    assert.deepEqual(scans.unreadOn(chain), [block(109)]);
    assert.ok(!scans.isUnread(block(109, 'b')));
  });
});
