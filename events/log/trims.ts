import type { JetStreamManager, StreamConfig } from 'nats';
import type { Position, Shard, TowerId } from '../ids.js';
import { signerIs } from '../signing/message.js';
import {
  DamagedTrimError,
  decodeTrim,
  positionsHash,
  type Trim,
  type TrimRecord,
  trimMessage,
} from '../trim-record.js';
import { isApiError, NO_MESSAGE_FOUND } from './api-errors.js';
import { LogDamagedError, LogUnavailableError } from './errors.js';
import { shardOfStream, trimsStream } from './streams.js';

/**
 * What a log says of its own trimming. In `TRIMS_<shard>`, for ever:
 *
 *     argus.trims.<shard>.leaves   the hashes of the leaves of all messages from 1 on, 32 bytes each, one message behind another
 *     argus.trims.<shard>.kept     the positions that are left up to a cut (`encodePositions`), in pieces
 *     argus.trims.<shard>.record   what the tower signed of a trim (`TrimRecord`), after the pieces that it names
 *
 * The metadata of `TOWER_<shard>` say whether it is trimmed, and where: only the record of that cut counts.
 */

/** In the metadata of a shard's stream: up to where it was trimmed; and up to where it is to be, while that is under way. */
export const TRIMMED = 'argus.trimmed';
export const TRIMMING = 'argus.trimming';

/** What a shard's stream is copied to while it is rebuilt. */
export const copyStreamOf = (shard: Shard): string => `COPY_${shard}`;

/** Up to where a stream was trimmed; 0 if it was not. */
export function cutOf({ metadata }: { readonly metadata?: StreamConfig['metadata'] | undefined }): Position {
  const said = metadata?.[TRIMMED];
  if (said === undefined) return 0;
  if (/^[1-9]\d{0,14}$/.test(said)) return Number(said);
  throw new LogDamagedError(`${TRIMMED} is ${said}, which is no position`);
}

/**
 * What is left of a stream; undefined if it was never trimmed. Rejects with `LogUnavailableError` while it is being trimmed, with
 * `LogDamagedError` or `DamagedTrimError` if what should be said of it is not there, with a `NatsError` if nobody answers.
 */
export async function readTrim(jsm: JetStreamManager, stream: string): Promise<Trim | undefined> {
  const shard = shardOfStream(stream);
  if (shard === undefined) return undefined;
  const { config } = await jsm.streams.info(stream);
  if (config.metadata?.[TRIMMING] !== undefined) throw new LogUnavailableError(`${stream} is being trimmed`);
  const cut = cutOf(config);
  if (cut === 0) return undefined;
  const record = await readRecord(jsm, shard, cut);
  return { cut, kept: await readKept(jsm, record) };
}

/** The record of the trim at a cut. Rejects with `LogDamagedError` if there is none. */
export async function readRecord(jsm: JetStreamManager, shard: Shard, cut: Position): Promise<TrimRecord> {
  for await (const { record } of records(jsm, shard)) if (record.cut === cut) return record;
  throw new LogDamagedError(`${trimsStream(shard)} does not say what is left of the messages up to ${cut}`);
}

/** All records of a shard, the newest first. */
export async function* records(jsm: JetStreamManager, shard: Shard) {
  const found: { readonly position: Position; readonly record: TrimRecord }[] = [];
  for (let next = 1; ; ) {
    const message = await nextOn(jsm, shard, 'record', next);
    if (!message) break;
    const { data, seq: position } = message;
    found.push({ position, record: decodeTrim(data) });
    next = position + 1;
  }
  yield* found.toReversed();
}

/** Throws `DamagedTrimError` unless the log's first identity has signed a record, and it is of that shard. */
export function assertSigned(record: TrimRecord, shard: Shard, tower: TowerId): void {
  if (record.shard !== shard || !signerIs(trimMessage(record), record.signature, tower))
    throw new DamagedTrimError(
      `${trimsStream(shard)}: the tower has not signed the record of the trim at ${record.cut}`,
    );
}

/** The positions that a record names, as bytes. */
export async function readKept(jsm: JetStreamManager, { shard, cut, kept }: TrimRecord): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let next = kept.first; next <= kept.last; ) {
    const piece = await nextOn(jsm, shard, 'kept', next);
    if (!piece || piece.seq > kept.last) break;
    pieces.push(piece.data);
    next = piece.seq + 1;
  }
  const bytes = Uint8Array.from(Buffer.concat(pieces));
  if (positionsHash(bytes) === kept.sha256) return bytes;
  throw new DamagedTrimError(`${trimsStream(shard)}: what is kept up to ${cut} is not what its record says`);
}

/** The hashes of leaves that are there, in order, in pieces: at least up to the newest cut. */
export async function* leafPieces(
  jsm: JetStreamManager,
  shard: Shard,
): AsyncGenerator<{ readonly data: Uint8Array; readonly position: Position }, undefined> {
  for (let next = 1; ; ) {
    const piece = await nextOn(jsm, shard, 'leaves', next);
    if (!piece) return undefined;
    const { data, seq: position } = piece;
    yield { data, position };
    next = position + 1;
  }
}

/** The first message on a subject from a position on; undefined if there is none. */
async function nextOn(jsm: JetStreamManager, shard: Shard, what: 'leaves' | 'kept' | 'record', seq: Position) {
  const query = { seq, next_by_subj: `${trimsSubject(shard)}.${what}` };
  try {
    return await jsm.streams.getMessage(trimsStream(shard), query);
  } catch (error) {
    if (isApiError(error, NO_MESSAGE_FOUND, STREAM_NOT_FOUND)) return undefined;
    throw error;
  }
}

const STREAM_NOT_FOUND = 10059;

export const trimsSubject = (shard: Shard): string => `argus.trims.${shard}`;
