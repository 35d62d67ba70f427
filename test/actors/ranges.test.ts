import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ranges } from '../../actors/ranges.js';

test('heights are written as ranges', () => {
  assert.deepEqual(ranges([]), []);
  assert.deepEqual(ranges([7]), ['7']);
  assert.deepEqual(ranges([7, 10, 11, 12, 14]), ['7', '10-12', '14']);
});
