import type { JetStreamManager, NatsConnection, StreamInfo } from 'nats';
import type { TowerId } from '../ids.js';
import { isApiError } from './api-errors.js';
import { compareConfig, isHarmless, type StreamDifference, StreamDriftError } from './stream-drift.js';
import {
  CHAIN,
  hasAllMarks,
  IMPORTING,
  isExpendable,
  isNotYet,
  LATER_MARKS,
  type LogLayout,
  type LogWish,
  layoutOf,
  shardOfStream,
  type WantedStream,
  wantedStreams,
} from './streams.js';
import { assertSigned, copyStreamOf, cutOf, readRecord, TRIMMING } from './trims.js';

/** Making the streams of the log, and finding out that they are something else than what a node wants. */

/** A log whose streams are there. */
export interface EnsuredLog {
  readonly layout: LogLayout;
  /** The streams that were made just now. */
  readonly made: readonly string[];
  /** What is not as wanted, though a node works all the same. */
  readonly drift: readonly StreamDifference[];
}

/**
 * Makes the streams that are missing and reads all of them back.
 *
 * A server silently drops options it does not know, a stream may have been made for another network, tower or number
 * of shards, and a stream of a log that was whole may be lost: each is a `StreamDriftError`, and nothing is changed. So it is
 * while a stream is being rebuilt (`TrimUnfinishedError`), while a tower is imported (`ImportUnfinishedError`), or if the tower did not sign what is said of a trim (`DamagedTrimError`).
 *
 * A log that was made before there were tree heads, or invites, gets the stream for them, and only then says in CHAIN that it
 * has it: so a log that lost its heads is told apart from one that never had any.
 */
export async function ensureStreams(nc: NatsConnection, wish: LogWish): Promise<EnsuredLog> {
  const jsm = await nc.jetstreamManager({ checkAPI: false });
  const { layout, streams, drift, missing } = await readLog(jsm, wish);
  // Whether it is our log is known before anything is added to it.
  if (!drift.every(isHarmless) || missing.length > 0) throw new StreamDriftError(drift, missing);
  for (const { wanted, found } of streams) {
    const [shard, cut] = [shardOfStream(wanted.name), found ? cutOf(found.config) : 0];
    if (shard !== undefined && cut > 0)
      assertSigned(await readRecord(jsm, shard, cut), shard, layout.towerId as TowerId);
  }
  const made = streams.filter(({ found }) => !found).map(({ wanted }) => marked(wanted, wish));
  for (const wanted of inMakingOrder(made)) await makeStream(jsm, wanted);
  const chain = streams.find(({ wanted }) => wanted.name === CHAIN)?.found?.config;
  if (chain && !hasAllMarks(chain))
    await jsm.streams.update(CHAIN, { metadata: { ...chain.metadata, ...LATER_MARKS } });
  return { layout, made: made.map(({ name }) => name), drift };
}

/** A CHAIN that is made for an import says so from its first moment on, so that no node comes in between. */
const marked = (wanted: WantedStream, { importing }: LogWish): WantedStream =>
  wanted.name === CHAIN && importing !== undefined
    ? { ...wanted, metadata: { ...wanted.metadata, [IMPORTING]: importing } }
    : wanted;

/** CHAIN comes last: where it is, all others were made. */
const inMakingOrder = (streams: readonly WantedStream[]): WantedStream[] => [
  ...streams.filter(({ name }) => name !== CHAIN),
  ...streams.filter(({ name }) => name === CHAIN),
];

const NAME_IN_USE = 10058;

async function makeStream(jsm: JetStreamManager, wanted: WantedStream): Promise<void> {
  const made = await jsm.streams.add(wanted).catch(async (error) => {
    // Another node has made one meanwhile, and not the same.
    const other = isApiError(error, NAME_IN_USE) && (await readStream(jsm, wanted.name));
    if (other) return other;
    throw error;
  });
  const differences = compareConfig(wanted, made.config);
  if (differences.length > 0) throw new StreamDriftError(differences);
}

/** What there is of a log, beside what is wanted of it. */
export interface LogReading {
  readonly layout: LogLayout;
  /** In the order of `wantedStreams`. */
  readonly streams: readonly { readonly wanted: WantedStream; readonly found: StreamInfo | undefined }[];
  readonly drift: readonly StreamDifference[];
  /** The streams that a log had and has no more. */
  readonly missing: readonly string[];
}

/** A stream is being rebuilt, or was when that ended: what there is of it may be half of it. */
export class TrimUnfinishedError extends Error {
  readonly code = 'trim-unfinished';

  constructor(stream: string) {
    super(
      `${stream} is being trimmed, and that is not finished: run argus archive --trim again, with the same archive`,
    );
  }
}

/** Another tower is being imported into this log, or was when that was broken off: what there is of it may be half of it. */
export class ImportUnfinishedError extends Error {
  readonly code = 'import-unfinished';

  constructor() {
    super(
      'another tower is being imported into this log, and that is not finished: run argus import again, with the same files',
    );
  }
}

async function assertNotTrimming(jsm: JetStreamManager, streams: LogReading['streams']): Promise<void> {
  for (const { wanted, found } of streams) {
    const shard = shardOfStream(wanted.name);
    if (shard === undefined) continue;
    const isUnderWay = found
      ? found.config.metadata?.[TRIMMING] !== undefined
      : (await readStream(jsm, copyStreamOf(shard))) !== undefined;
    if (isUnderWay) throw new TrimUnfinishedError(wanted.name);
  }
}

/**
 * Reads a log's streams; changes nothing. Rejects with `TrimUnfinishedError` if one of them is being rebuilt, with
 * `ImportUnfinishedError` while a tower is imported, unless who asks is at it.
 */
export async function readLog(jsm: JetStreamManager, wish: LogWish): Promise<LogReading> {
  // CHAIN is asked for before the others, and made after them, by whomever.
  const chain = await readStream(jsm, CHAIN);
  const importing = chain?.config.metadata?.[IMPORTING];
  if (importing !== undefined && importing !== wish.importing) throw new ImportUnfinishedError();
  const layout = layoutOf(wish, chain?.config);
  const streams = await Promise.all(
    wantedStreams(layout).map(async (wanted) => ({
      wanted,
      found: wanted.name === CHAIN ? chain : await readStream(jsm, wanted.name),
    })),
  );
  await assertNotTrimming(jsm, streams);
  const drift = streams.flatMap(({ wanted, found }) => (found ? compareConfig(wanted, found.config) : []));
  return { layout, streams, drift, missing: missingOf(streams, drift) };
}

/**
 * Nodes write only when all is there. So what is absent beside a CHAIN, or beside what was written, was lost; but for the
 * txids, which can be read again, and what a log never had that was made by an older version.
 */
function missingOf(streams: LogReading['streams'], drift: readonly StreamDifference[]): string[] {
  const chain = streams.find(({ wanted }) => wanted.name === CHAIN)?.found;
  // Of a log that is not ours we do not know what it should hold.
  if (drift.some(({ stream, field }) => stream === CHAIN && field.startsWith('argus.'))) return [];
  const hadAll = chain !== undefined || streams.some(({ found }) => (found?.state.last_seq ?? 0) > 0);
  const absent = streams.filter(({ found }) => !found).map(({ wanted }) => wanted.name);
  const isNew = (name: string) => chain !== undefined && isNotYet(name, chain.config);
  return hadAll ? absent.filter((name) => !isExpendable(name) && !isNew(name)) : [];
}

const STREAM_NOT_FOUND = 10059;

export async function readStream(
  jsm: { readonly streams: Pick<JetStreamManager['streams'], 'info'> },
  name: string,
): Promise<StreamInfo | undefined> {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (isApiError(error, STREAM_NOT_FOUND)) return undefined;
    throw error;
  }
}
