import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentStarts } from '../../projections/recent-starts.js';
import { height } from '../fixtures/blocks.js';

test('the lowest start of what was accepted lately is known until sixteen scans came after it', () => {
  const starts = new RecentStarts();
  assert.equal(starts.lowest, Number.POSITIVE_INFINITY);
  starts.accepted(height(100));
  starts.accepted(height(90));
  starts.scanned();
  starts.accepted(height(101));
  for (let i = 0; i < 14; i++) starts.scanned();
  assert.equal(starts.lowest, 90);
  starts.scanned();
  assert.equal(starts.lowest, 101);
  starts.scanned();
  assert.equal(starts.lowest, Number.POSITIVE_INFINITY);
});
