import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRanges, ranges } from '../../actors/ranges.js';

test('heights are written as ranges', () => {
  assert.deepEqual(ranges([]), []);
  assert.deepEqual(ranges([7]), ['7']);
  assert.deepEqual(ranges([7, 10, 11, 12, 14]), ['7', '10-12', '14']);
});

test('ranges are read as people write them', () => {
  assert.deepEqual(parseRanges('7'), [{ from: 7, to: 7 }]);
  assert.deepEqual(parseRanges('0-3, 7'), [
    { from: 0, to: 3 },
    { from: 7, to: 7 },
  ]);
  for (const text of ['', ',', '1,', 'a', '3-1', '-1', '1-2-3', '1.5', '1234567890'])
    assert.equal(parseRanges(text), undefined, text);
});
