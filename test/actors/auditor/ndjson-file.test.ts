import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { EventRow } from '../../../actors/auditor/event-rows.js';
import { rangesBetween } from '../../../actors/auditor/log-range.js';
import { NdjsonFile, remainingFrom } from '../../../actors/auditor/ndjson-file.js';
import { tempDir } from '../../support/temp-dir.js';

/** Rows of positions with two events each. */
const rows = (stream: string, from: number, through: number): EventRow[] =>
  Array.from({ length: through - from + 1 }, (_, n) => from + n).flatMap((position) =>
    [0, 1].map((index) => ({ stream, position, index, type: 'BlockScanned' })),
  );
const all = [...rows('CHAIN', 1, 4), ...rows('TOWER_0', 1, 9)];
const ranges = rangesBetween({ chain: 0, shards: [0] }, { chain: 4, shards: [9] });

function write(file: string, written: readonly EventRow[], resume = false): void {
  const ndjson = new NdjsonFile(file, { resume });
  ndjson.write(written.map((row) => JSON.stringify(row)));
  ndjson.finish();
}

describe('a file of events as JSON lines', () => {
  test('that was broken off anywhere is gone on with to what it would have been', (t) => {
    const file = join(tempDir(t), 'events.ndjson');
    write(file, all);
    const whole = readFileSync(file, 'utf8');
    assert.deepEqual(
      whole
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      all,
    );
    for (let length = 0; length <= whole.length; length += 7) {
      truncateSync(file, Math.min(length, readFileSync(file).length));
      const ndjson = new NdjsonFile(file, { resume: true });
      for (const { stream, after, through } of remainingFrom(ranges, ndjson.last))
        ndjson.write(rows(stream, after + 1, through).map((row) => JSON.stringify(row)));
      ndjson.finish();
      assert.equal(readFileSync(file, 'utf8'), whole, `after ${length} bytes`);
    }
  });

  test('is not gone on with if it is something else, or of another range', (t) => {
    const file = join(tempDir(t), 'events.ndjson');
    writeFileSync(file, 'name,price\nbread,3\n');
    assert.throws(() => new NdjsonFile(file, { resume: true }), { code: 'export-file' });
    assert.equal(readFileSync(file, 'utf8'), 'name,price\nbread,3\n', 'and stays what it is');
    write(file, rows('TOWER_0', 1, 12));
    const { last } = new NdjsonFile(file, { resume: true });
    assert.throws(() => remainingFrom(ranges, last), /ends at TOWER_0:12, which is not in this range/);
    assert.throws(() => remainingFrom(ranges, { stream: 'TOWER_1', position: 1 }), { code: 'export-file' });
  });
});
