import { describe, test } from 'node:test';
import { decideScanned, decideUnread } from '../../../actors/watcher/decisions.js';
import type { BlockScanned, BlockUnread, ScanEvent } from '../../../events/scan.js';
import { Scans } from '../../../projections/scans.js';
import { block, work } from '../../fixtures/blocks.js';
import { specify } from '../../support/given.js';

const evolve = (scans: Scans, event: ScanEvent) => {
  scans.apply(event);
  return scans;
};
const given = specify({ initialState: () => new Scans(), evolve, decide: decideScanned });
const givenScans = specify({ initialState: () => new Scans(), evolve, decide: decideUnread });

const unread = (at: number): BlockUnread => ({ type: 'BlockUnread', ...block(at) });

/** A block that was evaluated; the commit that connected it is at the position of its height. */
const evaluated = (at: number, isTip: boolean, branch = 'a') => ({
  block: { ...block(at, branch), chainwork: work(at), position: at },
  isTip,
  chain: chainOf(branch),
});

/** A best chain that has the blocks of one branch at all heights. */
const chainOf = (branch: string) => ({
  holds: ({ height, hash }: { height: number; hash: string }) => hash === block(height, branch).hash,
});

const scanned = (at: number, branch = 'a'): BlockScanned => ({
  type: 'BlockScanned',
  ...block(at, branch),
  chainPosition: at,
});

describe('recording that a block was evaluated', () => {
  test('at the tip, always', () => {
    given().when(evaluated(1001, true)).gives(undefined, scanned(1001));
    given(scanned(1001)).when(evaluated(1002, true)).gives(undefined, scanned(1002));
  });

  test('while catching up, at every hundredth height', () => {
    given().when(evaluated(999, false)).gives(undefined);
    given().when(evaluated(1000, false)).gives(undefined, scanned(1000));
    given().when(evaluated(1001, false)).gives(undefined);
  });

  test('while catching up, for many blocks at once if there is a hundredth height among them', () => {
    given()
      .when({ ...evaluated(1099, false), from: 1000 })
      .gives(undefined, scanned(1099));
    given()
      .when({ ...evaluated(1099, false), from: 1001 })
      .gives(undefined);
  });

  test('not below a block of the best chain that was, when some are evaluated a second time', () => {
    given(scanned(1010)).when(evaluated(1000, false)).gives(undefined);
    given(scanned(990)).when(evaluated(1000, false)).gives(undefined, scanned(1000));
    given(scanned(1010, 'b')).when(evaluated(1000, false)).gives(undefined, scanned(1000));
    given(scanned(1010), unread(1000)).when(evaluated(1000, false)).gives(undefined, scanned(1000));
  });

  test('at once for a block that was a gap, whatever was recorded of it before', () => {
    given(unread(1001)).when(evaluated(1001, false)).gives(undefined, scanned(1001));
    given(scanned(1001), unread(1001)).when(evaluated(1001, false)).gives(undefined, scanned(1001));
    given(unread(1001), scanned(1001)).when(evaluated(1001, false)).gives(undefined);
  });

  test('once, also if another node was first', () => {
    given(scanned(1001)).when(evaluated(1001, true)).gives(undefined);
    given(scanned(1000)).when(evaluated(1000, false)).gives(undefined);
  });

  test('anew for the block that a reorg put in its place, and for it again should it come back', () => {
    given(scanned(1001))
      .when(evaluated(1001, true, 'b'))
      .gives(undefined, scanned(1001, 'b'));
    given(scanned(1001), scanned(1001, 'b')).when(evaluated(1001, true)).gives(undefined, scanned(1001));
    const { block, ...other } = evaluated(1001, true);
    given(scanned(1001))
      .when({ block: { ...block, position: 1003 }, ...other })
      .gives(undefined, { ...scanned(1001), chainPosition: 1003 });
  });
});

describe('recording that nobody has a block', () => {
  test('each is a gap, once', () => {
    givenScans()
      .when([block(1001), block(1002)])
      .gives(undefined, unread(1001), unread(1002));
    givenScans(unread(1001))
      .when([block(1001), block(1002)])
      .gives(undefined, unread(1002));
  });

  test('also one that was scanned before: somebody needs it again, for what was accepted since', () => {
    givenScans(scanned(1001), scanned(1002))
      .when([block(1001)])
      .gives(undefined, unread(1001));
  });
});
