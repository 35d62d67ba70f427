import {
  DiscardPolicy,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from 'nats';
import type { Shard } from '../ids.js';

/** The streams of the log: what they must be, making them, and finding out that they are something else. */

export const CHAIN = 'CHAIN';
export const TXIDS = 'TXIDS';
export const towerStream = (shard: Shard): string => `TOWER_${shard}`;
export const blobStream = (shard: Shard): string => `BLOBS_${shard}`;

/** Whether atomic batches go into a stream: those of the shards, where many users come at once. */
export const takesBatches = (stream: string): boolean => stream !== CHAIN && stream !== TXIDS;

/** What a log is made with, once, and what every node on it must agree with. */
export interface LogIdentity {
  readonly network: string;
  readonly shards: number;
  readonly towerId: string;
}

export interface LogLayout extends LogIdentity {
  readonly replicas: number;
}

type Wanted = Partial<StreamConfig> & { name: string; allow_atomic?: boolean };

const DAY = 24 * 60 * 60 * 1_000_000_000;

/** How long a block's txids stay on the log: 14 days, in nanoseconds. */
const TXIDS_WINDOW = 14 * DAY;

/** What the streams of a log must be configured as. */
export function wantedStreams({ replicas, ...identity }: LogLayout): Wanted[] {
  const common = { storage: StorageType.File, retention: RetentionPolicy.Limits, num_replicas: replicas };
  const forEver = {
    ...common,
    discard: DiscardPolicy.New,
    deny_delete: true,
    deny_purge: true,
    // Either would take the oldest messages away, whatever is denied.
    max_age: 0,
    max_msgs_per_subject: -1,
    allow_direct: true,
  };
  const shards = Array.from({ length: identity.shards }, (_, shard) => shard as Shard);
  return [
    { ...forEver, name: CHAIN, subjects: ['argus.chain'], metadata: identityMetadata(identity) },
    { ...common, name: TXIDS, subjects: ['argus.txids.*'], max_age: TXIDS_WINDOW, max_msgs_per_subject: 1 },
    ...shards.flatMap((shard) => [
      {
        ...forEver,
        name: towerStream(shard),
        subjects: [`argus.${shard}.user.*`, `argus.${shard}.tracker.*`, `argus.${shard}.scan`],
        allow_atomic: true,
      },
      {
        ...common,
        name: blobStream(shard),
        subjects: [`argus.${shard}.blob.*`],
        discard: DiscardPolicy.New,
        allow_direct: true,
        allow_atomic: true,
      },
    ]),
  ];
}

const TOWER_ID = 'argus.tower';

const identityMetadata = ({ network, shards, towerId }: LogIdentity): Record<string, string> => ({
  'argus.network': network,
  'argus.shards': String(shards),
  [TOWER_ID]: towerId,
});

/** A stream that is not what this node was configured for. Each line of `differences` names one setting. */
export class StreamDriftError extends Error {
  readonly code = 'stream-drift';
  constructor(readonly differences: readonly string[]) {
    super(`the log's streams are not as this node wants them:\n  ${differences.join('\n  ')}`);
  }
}

/**
 * Makes the streams that are missing and reads all of them back.
 *
 * A server silently drops options it does not know, and a stream may have been made for another network, tower or number
 * of shards: either is a `StreamDriftError`, and nothing is changed.
 */
export async function ensureStreams(nc: NatsConnection, layout: LogLayout): Promise<void> {
  const jsm = await nc.jetstreamManager({ checkAPI: false });
  const streams = wantedStreams(layout);
  const found = await Promise.all(streams.map(({ name }) => readConfig(jsm, name)));
  // Whether it is our log is known before anything is added to it.
  compareAll(streams, found);
  const missing = streams.filter((_, i) => !found[i]);
  const made: StreamConfig[] = [];
  for (const wanted of missing) made.push((await jsm.streams.add(wanted)).config);
  compareAll(missing, made);
}

/** Throws `StreamDriftError` if one of the streams that were found is not what is wanted. */
function compareAll(wanted: readonly Wanted[], found: readonly (StreamConfig | undefined)[]): void {
  const differences = wanted.flatMap((stream, i) => (found[i] ? compareConfig(stream, found[i]) : []));
  if (differences.length > 0) throw new StreamDriftError(differences);
}

/** What is different in `found` from what is `wanted`, a line each: `CHAIN: deny_delete is false, not true`. */
export function compareConfig(wanted: Wanted, found: Partial<StreamConfig>): string[] {
  const have = new Map<string, unknown>(Object.entries(found));
  return Object.entries(wanted).flatMap(([key, value]) => {
    if (key === 'metadata') return compareMetadata(wanted.name, value, have.get(key));
    const [want, is] = [JSON.stringify(value), JSON.stringify(have.get(key))];
    return want === is ? [] : [`${wanted.name}: ${key} is ${is ?? 'not set'}, not ${want}`];
  });
}

function compareMetadata(stream: string, wanted: unknown, found: unknown): string[] {
  const have = new Map(Object.entries(found ?? {}));
  return Object.entries(wanted ?? {})
    .filter(([key, value]) => have.get(key) !== value)
    .map(([key, value]) => `${stream}: ${key} is ${have.get(key) ?? 'not set'}, not ${value}${wayOut(key, have)}`);
}

/** What to do about it, if it is a setting that a node is easily started with by mistake. */
const wayOut = (key: string, have: ReadonlyMap<string, unknown>): string =>
  key === TOWER_ID && have.has(key)
    ? ": this node has another tower's key; argus key import gives it that of the log's"
    : '';

const STREAM_NOT_FOUND = 10059;

async function readConfig(jsm: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await jsm.streams.info(name)).config;
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.err_code === STREAM_NOT_FOUND) return undefined;
    throw error;
  }
}
