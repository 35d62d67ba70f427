import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { z } from 'zod';
import { columnOf, type EventRow } from '../../../actors/auditor/event-rows.js';
import { rangesBetween, rowsIn } from '../../../actors/auditor/log-range.js';
import { ParquetFile } from '../../../actors/auditor/parquet-file.js';
import { inWords } from '../../../actors/event-words.js';
import { isPolicy } from '../../../events/aggregate.js';
import { eventDefinitions, readEvent } from '../../../events/codec.js';
import { decodeCommit, type Recorded } from '../../../events/commit.js';
import type { IdentityRotated } from '../../../events/identity.js';
import { block, chainCommit, connected, disconnected, height } from '../../fixtures/blocks.js';
import { ofScan, ofTracker, ofUser, placed, scanned } from '../../fixtures/commits.js';
import * as histories from '../../fixtures/histories.js';
import { appointmentId, userId } from '../../fixtures/ids.js';
import { storedCommits, storedEvents } from '../../fixtures/stored-events.js';
import { MemorySource } from '../../support/memory-source.js';
import { parquetRows } from '../../support/parquet-rows.js';
import { tempDir } from '../../support/temp-dir.js';

const everything = placed(
  ofUser('alice', histories.registered()),
  ofUser('alice', histories.renewed()),
  ofUser('alice', histories.accepted('channel')),
  ofTracker('channel', histories.sighted()),
  ofTracker('channel', histories.breached(), histories.breachReorgedOut()),
  ofTracker('channel', histories.blobRefused(1)),
  ofTracker('channel', histories.penaltyRefused('policy', { detail: 'say "no" ☃' })),
  ofTracker('channel', histories.penaltyBroadcast()),
  ofTracker('channel', { ...histories.penaltyBroadcast(), disputeRawTx: null }),
  ofTracker('channel', histories.penaltyConfirmed(block(1001)), histories.penaltyReorgedOut(block(1001))),
  ofTracker('channel', histories.penaltyIrrevocable(1101)),
  ofTracker('channel', histories.penaltyOutspent(block(1001)), histories.outspendReorgedOut(block(1001))),
  ofTracker('channel', histories.outspendIrrevocable(1101)),
  ofUser('alice', histories.ended('channel', 'resolved'), histories.swept(9), histories.outdated(2006)),
  ofScan(scanned(1000), { type: 'BlockUnread', ...block(999) }),
);
/** Of `POLICY`: a commit for each of its events. */
const admissions = Object.values(storedCommits)
  .map((text) => decodeCommit(Buffer.from(text)))
  .filter(({ aggregate }) => isPolicy(aggregate))
  .flatMap((commit, n) =>
    Object.entries(eventDefinitions)
      .filter(([, { of }]) => of === commit.aggregate.kind)
      .map(([type]) => {
        const stored = JSON.parse(storedEvents[type]?.at(-1) ?? '');
        return { ...commit, events: [readEvent(stored)], position: n + 1 } as Recorded;
      }),
  );
const imported = {
  type: 'TowerImported' as const,
  from: 'teos-sqlite' as const,
  digest: '5a'.repeat(32),
  ...{ users: 1, appointments: 2, trackers: 0, left: 0, height: height(1000) },
};
const rotated = {
  type: 'IdentityRotated',
  from: `02${'11'.repeat(32)}`,
  to: `03${'22'.repeat(32)}`,
} as IdentityRotated;
const source = new MemorySource([chainCommit(1, connected(1000)), chainCommit(2, disconnected(1000))], everything);
const all = rangesBetween({ chain: 0, shards: [0] }, { chain: 2, shards: [everything.length] });

async function rowsOf(ranges = all): Promise<EventRow[]> {
  const rows: EventRow[] = [];
  for (const range of ranges)
    for await (const batch of rowsIn(range, source, { signal: new AbortController().signal }, (row) => row))
      rows.push(...batch);
  return rows;
}

describe('a row of an event', () => {
  test('has a column for every field of every event there is', () => {
    for (const [type, { schema }] of Object.entries(eventDefinitions)) {
      assert(schema instanceof z.ZodObject);
      for (const [name, found] of Object.entries(schema.shape)) {
        if (name === 'type') continue;
        const field = found instanceof z.ZodOptional ? found.unwrap() : found;
        const fields =
          field instanceof z.ZodObject ? Object.keys(field.shape).map((part) => `${name}_${part}`) : [name];
        for (const one of fields) assert.ok(columnOf(type, one), `${type}.${one}`);
      }
    }
  });

  test('says where the event is, whose it is, and all that is in it', async () => {
    const rows = await rowsOf();
    const accepted = rows.find(({ type }) => type === 'AppointmentAccepted');
    const event = histories.accepted('channel');
    assert.deepEqual(accepted, {
      stream: 'TOWER_0',
      shard: 0,
      position: 3,
      index: 0,
      time: '2026-01-01T00:00:00.000Z',
      stored_time: '2026-01-01T00:00:03.000Z',
      commit_id: everything[2]?.id,
      node: 'one',
      aggregate: `user/${userId('alice')}`,
      type: 'AppointmentAccepted',
      version: 1,
      user_id: userId('alice'),
      appointment_id: appointmentId('channel'),
      locator: event.locator,
      scheme: 'teos-internal',
      slots: 1,
      slots_left: 99,
      start_block: 1000,
      to_self_delay: 42,
      blob_position: 1,
      blob_sha256: event.blob.sha256,
      blob_size: 100,
      user_signature: event.userSignature,
      receipt_signature: event.receiptSignature,
    });
    assert.ok(rows.every((row) => row.other === undefined));
    const breach = rows.find(({ type }) => type === 'BreachDetected');
    assert.deepEqual(
      [breach?.block_height, breach?.block_hash, breach?.appointment_id],
      [1000, block(1000).hash, appointmentId('channel')],
    );
    const connects = rows[0];
    assert.deepEqual([connects?.stream, connects?.shard, connects?.block_time], ['CHAIN', undefined, 1_700_600_000]);
  });

  test('is one for each event, in the order of the log; a range has its own, and so has a shard', async () => {
    const events = everything.reduce((sum, { events }) => sum + events.length, 0);
    assert.equal((await rowsOf()).length, 2 + events);
    const part = rangesBetween({ chain: 2, shards: [4] }, { chain: 2, shards: [5] });
    assert.deepEqual(
      (await rowsOf(part)).map(({ position, index, type }) => [position, index, type]),
      [
        [5, 0, 'BreachDetected'],
        [5, 1, 'BreachReorgedOut'],
      ],
    );
    assert.deepEqual(
      rangesBetween({ chain: 0, shards: [0, 0] }, { chain: 2, shards: [1, 1] }, 1).map(({ stream }) => stream),
      ['TOWER_1'],
    );
  });

  test('is in a Parquet file what it is as JSON', async (t) => {
    const file = join(tempDir(t), 'events.parquet');
    const rows = await rowsOf();
    const parquet = new ParquetFile(file);
    for (const row of rows) parquet.write(row);
    parquet.finish();
    const bytes = readFileSync(file);
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    assert.deepEqual(await parquetRows(file), JSON.parse(JSON.stringify(rows)));
    const [first] = await parquetReadObjects({ file: buffer, utf8: false });
    assert.ok(first?.hash instanceof Uint8Array && first.time instanceof Date && typeof first.position === 'bigint');
  });

  test('goes into a group of the Parquet file that is bounded', async (t) => {
    const file = join(tempDir(t), 'many.parquet');
    const [row] = await rowsOf();
    assert(row);
    const parquet = new ParquetFile(file);
    for (let i = 0; i < 15_000; i++) parquet.write(row);
    parquet.finish();
    const bytes = readFileSync(file);
    const { row_groups: groups } = parquetMetadata(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
    );
    assert.deepEqual(
      groups.map(({ num_rows }) => Number(num_rows)),
      [10_000, 5_000],
    );
  });
});

test('every event is told of in words of its own', () => {
  const told = new Map(
    [
      ...everything,
      ...admissions,
      chainCommit(1, connected(1000)),
      chainCommit(2, disconnected(1000)),
      chainCommit(3, rotated),
      chainCommit(4, imported),
    ].flatMap((commit) => (commit as Recorded).events.map((event) => [event.type as string, inWords(event)] as const)),
  );
  assert.deepEqual(Array.from(told.keys()).sort(), Object.keys(eventDefinitions).sort());
  for (const [type, words] of told) assert.ok(!words.includes(type) && !words.includes('undefined'), words);
  assert.equal(new Set(told.values()).size, told.size);
});
