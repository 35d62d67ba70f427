import { describe, test } from 'node:test';
import { decideScanned } from '../../../actors/watcher/decisions.js';
import type { BlockScanned } from '../../../events/scan.js';
import { Scans } from '../../../projections/scans.js';
import { block, work } from '../../fixtures/blocks.js';
import { specify } from '../../support/given.js';

const given = specify({
  initialState: () => new Scans(),
  evolve: (scans, event: BlockScanned) => {
    scans.apply(event);
    return scans;
  },
  decide: decideScanned,
});

/** A block that was evaluated; the commit that connected it is at the position of its height. */
const evaluated = (at: number, isTip: boolean, branch = 'a') => ({
  block: { ...block(at, branch), chainwork: work(at), position: at },
  isTip,
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

  test('once, also if another node was first', () => {
    given(scanned(1001)).when(evaluated(1001, true)).gives(undefined);
    given(scanned(1000)).when(evaluated(1000, false)).gives(undefined);
  });

  test('anew for the block that a reorg put in its place, and for it again should it come back', () => {
    given(scanned(1001))
      .when(evaluated(1001, true, 'b'))
      .gives(undefined, scanned(1001, 'b'));
    given(scanned(1001), scanned(1001, 'b')).when(evaluated(1001, true)).gives(undefined, scanned(1001));
  });
});
