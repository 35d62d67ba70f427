import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LogPlaces } from '../../../actors/auditor/log-place.js';
import { parsePoint } from '../../../actors/auditor/log-point.js';
import { chainCommit, connected, disconnected } from '../../fixtures/blocks.js';
import { ofScan, ofUser, placed, scanned } from '../../fixtures/commits.js';
import { registered } from '../../fixtures/histories.js';
import { MemorySource } from '../../support/memory-source.js';

describe('a moment in the history of a log', () => {
  test('is a position, a time, a height or the end, as people write them', () => {
    assert.deepEqual(parsePoint('1200'), { kind: 'position', position: 1200, shard: undefined });
    assert.deepEqual(parsePoint('2:1200'), { kind: 'position', position: 1200, shard: 2 });
    assert.deepEqual(parsePoint('height:850000'), { kind: 'height', height: 850_000 });
    assert.deepEqual(parsePoint('end'), { kind: 'end' });
    const time = Date.parse('2026-10-01T12:00:00Z');
    for (const text of ['2026-10-01T12:00:00Z', '2026-10-01T12:00Z', '2026-10-01 14:00:00.000+02:00'])
      assert.deepEqual(parsePoint(text), { kind: 'time', time });
    assert.deepEqual(parsePoint('2026-10-01'), { kind: 'time', time: Date.parse('2026-10-01T00:00:00Z') });
    for (const text of ['', '-1', 'now', '1.5', '2026-13-01', '2026-10-01T12:00:00', 'height:', '1:2:3'])
      assert.throws(() => parsePoint(text), { code: 'log-point' }, text);
  });

  const chain = [connected(100), connected(101), disconnected(101), connected(101, 'b'), connected(102, 'b')];
  const source = new MemorySource(
    chain.map((event, n) => chainCommit(n + 1, event)),
    placed(
      ofScan(scanned(100, 'a', 1)),
      ofUser('alice', registered()),
      ofScan(scanned(101, 'a', 2)),
      ofUser('bob', registered()),
      ofScan(scanned(101, 'b', 4)),
      ofScan(scanned(102, 'b', 5)),
    ),
    placed(ofUser('carol', registered())),
  );
  const places = new LogPlaces(source, new AbortController().signal);
  const through = (text: string) => places.through(parsePoint(text));
  const before = (text: string) => places.before(parsePoint(text));

  test('is everything up to a time, in every stream by the clock of the server', async () => {
    assert.deepEqual(await through('2026-01-01T00:00:03Z'), { chain: 3, shards: [3, 1] });
    assert.deepEqual(await before('2026-01-01T00:00:03Z'), { chain: 2, shards: [2, 1] });
    assert.deepEqual(await through('2025-01-01'), { chain: 0, shards: [0, 0] });
    assert.deepEqual(await through('2027-01-01'), { chain: 5, shards: [6, 1] });
  });

  test('is a position of one shard, and in the other streams its time', async () => {
    assert.deepEqual(await through('0:4'), { chain: 4, shards: [4, 1] });
    assert.deepEqual(await before('0:4'), { chain: 3, shards: [3, 1] });
    assert.deepEqual(await through('1:1'), { chain: 1, shards: [1, 1] });
    assert.deepEqual(await through('0:0'), { chain: 0, shards: [0, 0] });
  });

  test('is what was scanned of the block at a height that stayed on the best chain', async () => {
    assert.deepEqual(await through('height:101'), { chain: 4, shards: [5, 1] });
    assert.deepEqual(await before('height:102'), { chain: 4, shards: [5, 1] });
    assert.deepEqual(await through('height:100'), { chain: 1, shards: [1, 1] });
    assert.deepEqual(await before('height:100'), { chain: 0, shards: [0, 0] });
    assert.deepEqual(await through('end'), { chain: 5, shards: [6, 1] });
  });

  test('that the log does not have is refused with what it has', async () => {
    const refused = (text: string, message: RegExp) => assert.rejects(through(text), { code: 'log-point', message });
    await refused('4', /has 2 shards: say in which, such as 0:4/);
    await refused('2:1', /no shard 2: they are 0 to 1/);
    await refused('0:7', /no position 7: its last is 6/);
    await refused('height:103', /no block of height 103 .* 100 to 102/);
    assert.deepEqual(
      await new LogPlaces(new MemorySource([], []), new AbortController().signal).through(parsePoint('end')),
      { chain: 0, shards: [0] },
    );
  });
});
