import type { JetStreamManager } from 'nats';
import type { Position, Shard } from '../ids.js';
import {
  encodePositions,
  encodeTrim,
  positionsHash,
  type TrimRecord,
  trimMessage,
  type UnsignedTrim,
} from '../trim-record.js';
import { LogDamagedError } from './errors.js';
import type { EventLog } from './log.js';
import { CHAIN, HAS_TRIMS, type LogLayout, trimsStream, wantedStreams } from './streams.js';
import { leafPieces, records, trimsSubject } from './trims.js';

/** Writing down what a trim leaves, before anything is taken away. Each part may be written again: what is there is compared. */

const HASH = 32;
/** Of one message, in bytes. */
const PIECE = 256 * 1024;

/** Makes the streams for it, of all shards, and says in CHAIN that they are there. */
export async function ensureTrimStreams(jsm: JetStreamManager, layout: LogLayout): Promise<void> {
  const { metadata } = (await jsm.streams.info(CHAIN)).config;
  for (const wanted of wantedStreams({ ...layout, hasTrims: true }))
    if (wanted.name.startsWith('TRIMS_')) await jsm.streams.add(wanted);
  await jsm.streams.update(CHAIN, { metadata: { ...metadata, ...HAS_TRIMS } });
}

/**
 * Writes the hashes of a shard's leaves, from the first message on, behind those that are there already, which have to be the
 * same. Rejects with `LogDamagedError` if they are not.
 */
export async function writeLeaves(log: EventLog, shard: Shard, leaves: AsyncIterable<Uint8Array>): Promise<void> {
  const there = leafPieces(log.jsm, shard);
  let piece: Uint8Array = new Uint8Array();
  let [at, count] = [0, 0];
  let last: Position = 0;
  let waiting: Uint8Array[] = [];
  const write = async () => {
    // Where somebody else writes the same, one of the two is refused.
    if (waiting.length > 0) last = await put(log, shard, 'leaves', Buffer.concat(waiting), last);
    waiting = [];
  };
  for await (const leaf of leaves) {
    count++;
    if (at === piece.length) {
      const { value: next } = await there.next();
      piece = next?.data ?? new Uint8Array();
      last = next?.position ?? last;
      at = 0;
    }
    if (at < piece.length) {
      if (Buffer.compare(leaf, piece.subarray(at, at + HASH)) !== 0)
        throw new LogDamagedError(`${trimsStream(shard)} has another hash of message ${count} than the archive`);
      at += HASH;
      continue;
    }
    waiting.push(leaf);
    if (waiting.length * HASH >= PIECE) await write();
  }
  await write();
}

/** Writes down what is left up to a cut, and what the tower signs of it; gives that record. One that says the same is left. */
export async function writeTrim(
  log: EventLog,
  about: Omit<UnsignedTrim, 'v' | 'kept'>,
  kept: readonly Position[] | Float64Array,
  sign: (message: Uint8Array) => string,
): Promise<TrimRecord> {
  const { shard } = about;
  const bytes = encodePositions(kept);
  const sha256 = positionsHash(bytes);
  for await (const { record } of records(log.jsm, shard))
    if (record.cut === about.cut && record.kept.sha256 === sha256) return record;
  const places: Position[] = [];
  for (let at = 0; at < bytes.length; at += PIECE)
    places.push(await put(log, shard, 'kept', bytes.subarray(at, at + PIECE)));
  const [first = 0, last = 0] = [places[0], places.at(-1)];
  const unsigned: UnsignedTrim = { v: 1, ...about, kept: { count: kept.length, sha256, first, last } };
  const record = { ...unsigned, signature: sign(trimMessage(unsigned)) };
  await put(log, shard, 'record', encodeTrim(record));
  return record;
}

function put(log: EventLog, shard: Shard, what: string, data: Uint8Array, expected?: Position): Promise<Position> {
  const message = { subject: `${trimsSubject(shard)}.${what}`, data, ...(expected !== undefined && { expected }) };
  return log.store(trimsStream(shard), message, WRITE_MS);
}

const WRITE_MS = 10_000;
