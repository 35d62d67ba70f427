import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Drill } from '../../../actors/responder/drill.js';
import { teosInternal } from '../../../events/schemes/teos-internal.js';

test('a drill opens some blobs at a block, once for blocks that come together, and many at the start', (t) => {
  const drill = new Drill();
  const { mock: opened } = t.mock.method(teosInternal, 'open');
  let now = 5_000;
  t.mock.method(performance, 'now', () => now);
  drill.practise();
  const once = opened.callCount();
  assert.ok(once > 0);
  now += 999;
  drill.practise();
  assert.equal(opened.callCount(), once);
  now += 1;
  drill.practise();
  assert.equal(opened.callCount(), 2 * once);
  drill.begin();
  assert.ok(opened.callCount() > 50 * once);
});
