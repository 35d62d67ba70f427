import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BlockUnread, ScanEvent } from '../../events/scan.js';
import { Scans } from '../../projections/scans.js';
import { block, connectedUpTo, disconnected, windowOf } from '../fixtures/blocks.js';

/** The position of the commit of `CHAIN` that connected a branch. */
const POSITIONS: Readonly<Record<string, number>> = { a: 1, b: 2 };

const connection = (at: number, branch = 'a', position = POSITIONS[branch] ?? 0) => ({
  ...block(at, branch),
  position,
});

const scanned = (at: number, branch = 'a', chainPosition = POSITIONS[branch] ?? 0): ScanEvent => ({
  type: 'BlockScanned',
  ...block(at, branch),
  chainPosition,
});

const unread = (at: number, branch = 'a'): BlockUnread => ({ type: 'BlockUnread', ...block(at, branch) });

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
    assert.ok(scans.isScanned(connection(100)));
    assert.ok(!scans.isScanned(connection(102)));
    assert.ok(!scans.isScanned(connection(100, 'b')));
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
    assert.ok(!scans.isScanned(connection(108)), 'one block a height: the other is scanned again should it come back');
  });

  test('do not count for a block that a reorg took out and another brought back', () => {
    const back = windowOf(
      connectedUpTo(100, 110),
      [...[110, 109, 108].map((height) => disconnected(height)), ...connectedUpTo(108, 111, 'b')],
      [...[111, 110, 109, 108].map((height) => disconnected(height, 'b')), ...connectedUpTo(108, 112)],
    );
    const scans = scansOf(scanned(107), scanned(108), scanned(110));
    assert.deepEqual(scans.highestOn(chain), block(110));
    assert.deepEqual(scans.highestOn(back), block(107));
    assert.ok(!scans.isScanned(connection(110, 'a', 3)));
    scans.apply(scanned(110, 'a', 3));
    assert.deepEqual(scans.highestOn(back), block(110));
  });

  test('remember four weeks of blocks, whichever were scanned last', () => {
    const scans = scansOf(...Array.from({ length: 4032 }, (_, n) => scanned(1000 + n)));
    assert.ok(scans.isScanned(connection(1000)));
    scans.apply(scanned(1000));
    scans.apply(scanned(6000));
    assert.ok(scans.isScanned(connection(1000)), 'scanned anew just before');
    assert.ok(!scans.isScanned(connection(1001)));
    assert.ok(scans.isScanned(connection(1002)));
    assert.ok(scans.isScanned(connection(6000)));
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
