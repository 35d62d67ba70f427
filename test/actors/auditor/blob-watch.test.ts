import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AuditMessage, AuditSource } from '../../../actors/auditor/audit-source.js';
import { BlobWatch, type SavedBlobs } from '../../../actors/auditor/blob-watch.js';
import { BookingTable } from '../../../actors/auditor/booking-table.js';
import type { Finding } from '../../../actors/auditor/findings.js';
import { blobHash } from '../../../events/log/blobs.js';
import { height } from '../../fixtures/blocks.js';
import { accepted } from '../../fixtures/histories.js';
import { userId } from '../../fixtures/ids.js';
import { shard } from '../../support/log.js';

const id = userId('alice');
const terms = { slots: 1, start: height(1), expiry: height(9), swept: 0 };
const owner = { id, number: 0, status: 'registered', dialect: 'rust', ...terms, deleted: new Map() } as const;

/** The blobs of a shard, one to a batch, the one at position `p` stored `p` ms after the beginning. */
function blobsAt(positions: readonly number[], data: Uint8Array) {
  const given: number[] = [];
  const messageAt = (position: number): AuditMessage => ({
    stream: 'BLOBS_0',
    position,
    subject: `argus.${shard}.blob.${id}`,
    time: position,
    data,
  });
  async function* remaining(_: string, from: number, through: number) {
    for (const position of positions) {
      if (position < from || position > through) continue;
      given.push(position);
      yield [messageAt(position)];
    }
  }
  return { given, source: { remaining } as Pick<AuditSource, 'remaining'> };
}

/** A watch over them, and the commits that it is told of. */
function watched(
  positions: readonly number[],
  data = new Uint8Array(100),
  bookings = new BookingTable(),
  saved?: SavedBlobs,
) {
  const { given, source } = blobsAt(positions, data);
  const found: Finding[] = [];
  const signed: number[] = [];
  const blobs = new BlobWatch(
    {
      source,
      shard,
      through: positions.at(-1) ?? 0,
      signatures: { appointment: (_, __, ___, { position }) => void signed.push(position) },
      bookings,
      found: (finding) => void found.push(finding),
      signal: new AbortController().signal,
    },
    saved,
  );
  const sha256 = blobHash(data);
  const accept = (blob: number) => {
    const event = accepted('channel', { blob: { position: blob, sha256, size: data.length } });
    const at = { position: blob, time: blob, blob, sha256, startBlock: height(1) };
    const rest = { slots: 1, mark: 1, receiptMark: 1, status: 'live', isThere: false } as const;
    blobs.expect({ owner, ...at, ...rest }, event);
  };
  return { blobs, given, found, signed, accept };
}

const gone = (blob: number) => ({ blob, isThere: false });

describe('what an auditor remembers of blobs', () => {
  test('that nobody wants any more is when that was, as long as they are there', async () => {
    // More of them than are held: the first are dropped, and would be read again.
    const positions = Array.from({ length: 2_000 }, (_, i) => 10 * (i + 1));
    const { blobs, given, accept, signed } = watched(positions, new Uint8Array(60_000));
    blobs.left(gone(20), 9_001); // not read yet
    accept(30);
    blobs.left(gone(30), 9_002); // nor is this, and will be compared
    await blobs.look();
    const [first, last] = [given.indexOf(40), given.length - 1];
    assert.ok(first >= 0 && given.length < positions.length, 'some are read, and not all');
    blobs.left(gone(given[last] ?? 0), 9_003); // is held
    await blobs.rest();
    blobs.left(gone(50), 9_004); // was dropped
    for (let position = 1; position < 20_000; position += 10) blobs.left(gone(position), 9_005);
    blobs.left(gone(20_010), 9_006);
    for (let i = 0; i < 10_000; i++) blobs.left(gone(20_020 + i), 9_007);
    const rest = await blobs.rest();
    assert.deepEqual(signed, [30]);
    assert.deepEqual(
      rest.map(({ position }) => position),
      positions,
    );
    const wanted = rest.filter(({ wasWanted }) => wasWanted).map(({ position, since }) => [position, since]);
    assert.deepEqual(wanted, [
      [20, 9_001],
      [30, 9_002],
      [50, 9_004],
      [given[last], 9_003],
    ]);
    assert.ok(rest.every(({ since, position, wasWanted }) => wasWanted || since === position));
  });

  test('that are gone is nothing, however many appointments have ended', async () => {
    const [step, steps] = [10_000, 2_100];
    const positions = Array.from({ length: steps }, (_, i) => step * (i + 1));
    const { blobs, given, accept, found } = watched(positions);
    let last = 0;
    let lefts = 0;
    for (const position of positions) {
      accept(position);
      // Half of them before their place was read, as when a version is replaced at once.
      for (let i = 1; i < step; i++) {
        const place = i % 2 === 0 ? position - i : last + i;
        blobs.left(gone(place), position);
        if (place < step * steps) lefts++;
      }
      await blobs.look();
      last = given.at(-1) ?? 0;
    }
    assert.ok(lefts > 2 ** 24, 'more than a map can hold');
    assert.deepEqual(found, []);
    assert.deepEqual(await blobs.rest(), []);
    assert.equal(blobs.save().length, 0);
  });

  test('is kept for the next audit: since when nobody wants those that are still there', async () => {
    const first = watched([10, 20, 30, 40]);
    first.accept(10);
    await first.blobs.look();
    first.blobs.left({ blob: 10, isThere: true }, 9_001); // was found
    first.blobs.left(gone(20), 9_002); // is held
    first.blobs.left(gone(25), 9_003);
    const saved = first.blobs.save();
    assert.deepEqual([...saved], [10, 9_001, 20, 9_002]);
    const second = watched([10, 20, 30, 40], undefined, undefined, saved);
    assert.deepEqual(second.blobs.save(), saved.slice(), 'also before anything is read');
    const rest = await second.blobs.rest();
    assert.deepEqual(
      rest.map(({ position, since, wasWanted }) => [position, since, wasWanted]),
      [
        [10, 9_001, true],
        [20, 9_002, true],
        [30, 30, false],
        [40, 40, false],
      ],
    );
    const third = watched([20, 30, 40], undefined, undefined, second.blobs.save());
    await third.blobs.rest();
    assert.deepEqual([...third.blobs.save()], [20, 9_002], 'what is gone is forgotten');
  });
});
