import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rangesBetween, rowsIn } from '../../../actors/auditor/log-range.js';
import { TowerFold } from '../../../actors/auditor/tower-fold.js';
import { utf8 } from '../../../events/bytes.js';
import { ofUser, placed } from '../../fixtures/commits.js';
import { registered } from '../../fixtures/histories.js';
import { MemorySource } from '../../support/memory-source.js';

const names = ['one', 'two', 'three', 'four', 'five'];
const way = { signal: new AbortController().signal };

async function readBoth(source: MemorySource, through: number): Promise<void> {
  const place = { chain: 0, shards: [through] };
  const fold = new TowerFold(source).foldTo(place, way);
  const rows = (async () => {
    for (const range of rangesBetween({ chain: 0, shards: [0] }, place))
      for await (const _ of rowsIn(range, source, way, (row) => row));
  })();
  const [first, second] = await Promise.allSettled([fold, rows]);
  assert(first.status === 'rejected' && second.status === 'rejected');
  assert.equal(first.reason.message, second.reason.message);
  throw first.reason;
}

describe('what cannot be read is named by its position', () => {
  const damaged = (position: number, data?: Uint8Array) => {
    const source = new MemorySource([], placed(...names.map((name) => ofUser(name, registered()))));
    source.damage('TOWER_0', position, data);
    return source;
  };

  test('a message that is not there', () =>
    assert.rejects(readBoth(damaged(3), 4), { code: 'log-damaged', message: 'TOWER_0 has no message 3' }));

  test('a message that is no commit', () =>
    assert.rejects(readBoth(damaged(4, utf8('{}')), 5), {
      code: 'damaged-commit',
      message: /^message 4 of TOWER_0, on argus.0.user.[0-9a-f]{66}, is damaged: not a commit$/,
    }));

  test('an event that a newer tower wrote', () => {
    const newer = `{"id":"${'ab'.repeat(16)}","aggregate":"scan","time":"2026-01-01T00:00:00.000Z","node":"one","events":[{"type":"Later","v":1}]}`;
    return assert.rejects(readBoth(damaged(2, utf8(newer)), 5), {
      code: 'unknown-event',
      message: /message 2 of TOWER_0.* holds Later version 1/,
    });
  });
});
