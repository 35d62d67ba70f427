import type { StreamConfig } from 'nats';
import { CHAIN, LATER_MARKS, SNAPSHOTS_STREAM, TXIDS, type WantedStream } from './streams.js';

/** How a stream differs from what a node wants, and which differences a node can live with. */

/** One setting of a stream that is not as it is wanted. */
export interface StreamDifference {
  readonly stream: string;
  /** A setting of the stream's configuration, or `argus.*`: one of its metadata. */
  readonly field: string;
  /** Undefined when it is not set. */
  readonly is: unknown;
  /** Undefined when it must not be set. */
  readonly wanted: unknown;
}

/** Streams on which a node does not work. Each line of `differences` names one setting. */
export class StreamDriftError extends Error {
  readonly code = 'stream-drift';
  readonly differences: readonly string[];

  /** `missing`: the streams that were there once and are not any more. */
  constructor(differences: readonly StreamDifference[], missing: readonly string[] = []) {
    const lines = [...differences.map(lineOf), ...missing.map((name) => `${name} is missing, with all that it held`)];
    super(
      ["the log's streams are not as this node wants them:", ...lines, ...advice(differences, missing)].join('\n  '),
    );
    this.differences = lines;
  }
}

/** `CHAIN: deny_delete is false, not true` */
export function lineOf({ stream, field, is, wanted }: StreamDifference): string {
  return `${stream}: ${field} is ${textOf(field, is)}, not ${textOf(field, wanted)}${wayOut(field, is)}`;
}

/** What to do about it, if it is a setting that a node is easily started with by mistake. */
const wayOut = (field: string, is: unknown): string =>
  field === 'argus.tower' && is !== undefined
    ? ": this node has another tower's key; argus key import gives it that of the log's"
    : '';

/** A setting's value for people. */
export const textOf = (field: string, value: unknown): string =>
  value === undefined ? 'not set' : isIdentity({ field }) ? String(value) : JSON.stringify(value);

function advice(differences: readonly StreamDifference[], missing: readonly string[]): string[] {
  const has = (name: string) => differences.some(({ stream, field }) => stream === CHAIN && field === name);
  const can = differences.some((difference) => !isIdentity(difference) && difference.field !== 'num_replicas');
  return [
    ...(has('argus.shards') ? ['Shards are fixed when the log is made: leave log.shards (--shards) out.'] : []),
    ...(has('num_replicas') ? ['Replicas are changed by `argus migrate`: leave log.replicas (--replicas) out.'] : []),
    ...(can ? ['`argus migrate` changes what can be changed.'] : []),
    ...(missing.length > 0 ? ['Restore the store of the NATS server; nothing was made in its place.'] : []),
  ];
}

/** Whether it says whose log this is, which nothing can change. */
export const isIdentity = ({ field }: Pick<StreamDifference, 'field'>): boolean => field.startsWith('argus.');

/** What a node can do without: room, direct reads, batches, and as many copies as were meant to be. */
const HARMLESS = new Set([
  'max_bytes',
  'max_msgs',
  'max_msg_size',
  'allow_direct',
  'allow_atomic',
  'compression',
  'num_replicas',
]);
/** Of the txids, which can be read from bitcoind again: also how long and where they are kept. */
const HARMLESS_OF_TXIDS = new Set(['max_age', 'max_msgs_per_subject', 'storage']);

/** Whether a node works all the same: nothing acked is lost by it, and nothing foreign comes onto the log. */
export function isHarmless({ stream, field }: StreamDifference): boolean {
  // How many copies the log is to have is what CHAIN has. Different there means that this node was told otherwise.
  if (stream === CHAIN && field === 'num_replicas') return false;
  // What is wrong with a snapshot is found out when it is read.
  if (stream === SNAPSHOTS_STREAM) return true;
  return HARMLESS.has(field) || (stream === TXIDS && HARMLESS_OF_TXIDS.has(field));
}

/** What no stream of the log may have: other sources of messages, acks that promise nothing, an end. */
const FORBIDDEN = ['mirror', 'sources', 'subject_transform', 'no_ack', 'persist_mode', 'sealed'];

/** What is different in `found` from what is `wanted`. */
export function compareConfig(wanted: WantedStream, found: Partial<StreamConfig>): StreamDifference[] {
  const stream = wanted.name;
  const have = new Map<string, unknown>(Object.entries(found));
  const different = Object.entries(wanted).flatMap(([field, value]) => {
    if (field === 'metadata') return compareMetadata(stream, value, have.get(field));
    const is = have.get(field);
    return JSON.stringify(value) === JSON.stringify(is) ? [] : [{ stream, field, is, wanted: value }];
  });
  const forbidden = FORBIDDEN.filter((field) => isSet(have.get(field)));
  return [...different, ...forbidden.map((field) => ({ stream, field, is: have.get(field), wanted: undefined }))];
}

const isSet = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : Boolean(value) && value !== 'default';

function compareMetadata(stream: string, wanted: unknown, found: unknown): StreamDifference[] {
  const have = new Map<string, unknown>(Object.entries(found ?? {}));
  return (
    Object.entries(wanted ?? {})
      // A log that got some of its streams later is no other log: see `ensureStreams`.
      .filter(([key, value]) => have.get(key) !== value && !Object.hasOwn(LATER_MARKS, key))
      .map(([field, value]) => ({ stream, field, is: have.get(field), wanted: value }))
  );
}
