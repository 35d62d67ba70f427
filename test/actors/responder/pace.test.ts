import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPaused } from '../../../actors/responder/pace.js';
import type { RefusalVerdict } from '../../../events/tracker.js';
import type { Refusal } from '../../../projections/tracker.js';
import { block, height } from '../../fixtures/blocks.js';

const since1000 = (verdict: RefusalVerdict): Refusal => ({ verdict, blob: 1, height: height(1000) });

/** The heights at which a refused penalty is sent again, by a node that sees each block from 1000 to 1250. */
function triesAfter(verdict: RefusalVerdict): number[] {
  const tries: number[] = [];
  for (let at = 1001, last = 1000; at <= 1250; at++)
    if (!isPaused(since1000(verdict), height(last), block(at))) {
      tries.push(at);
      last = at;
    }
  return tries;
}

test('what bitcoind has no known word for is tried again after 1, 2, 4 ... and then every 36 blocks, for ever', () => {
  assert.deepEqual(triesAfter('unknown'), [1001, 1003, 1007, 1015, 1031, 1063, 1099, 1135, 1171, 1207, 1243]);
});

test('every other refusal is tried again at each block', () => {
  for (const verdict of ['policy', 'inputs-missing-or-spent', 'invalid'] as const)
    assert.equal(triesAfter(verdict).length, 250);
});

test('a node that has not tried yet tries; one that was away tries at the first block after the due one', () => {
  const unknown = since1000('unknown');
  assert.equal(isPaused(unknown, undefined, block(1002)), false);
  assert.equal(isPaused(unknown, height(1003), block(1006)), true);
  assert.equal(isPaused(unknown, height(1003), block(1010)), false);
  assert.equal(isPaused(unknown, height(1003), block(1002)), false, 'after a reorg to a lower height, too');
  assert.equal(isPaused(null, height(1003), block(1003)), false);
});
