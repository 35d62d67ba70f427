import { followed } from '../../actors/auditor/followed-log.js';
import type { HistorySource } from '../../actors/auditor/history-source.js';
import type { LogPoint } from '../../actors/auditor/log-point.js';
import { rangesBetween } from '../../actors/auditor/log-range.js';
import type { Happening } from '../../actors/auditor/timeline.js';
import { eventDefinitions } from '../../events/codec.js';
import { notUnderstood } from '../arguments.js';
import { writeOut } from './output.js';
import { placeBefore } from './points.js';
import { jsonOf, lineOf } from './timeline.js';

export interface FollowOptions {
  /** From where on; from now on unless given. */
  readonly from: LogPoint | undefined;
  /** The only shard that is wanted, without the chain. */
  readonly shard: number | undefined;
  /** The only types of events that are wanted; all if there are none. */
  readonly types: ReadonlySet<string>;
  /** What of them is wanted; all unless told. */
  readonly isWanted?: ((happening: Happening) => boolean) | undefined;
  readonly json: boolean;
}

/** The types in a list such as `BreachDetected,PenaltyBroadcast`. Throws `CommanderError` at one that there is not. */
export function typesOf(list: string): ReadonlySet<string> {
  const types = new Set(list.split(',').filter((name) => name !== ''));
  for (const type of types)
    if (!Object.hasOwn(eventDefinitions, type))
      throw notUnderstood(`there is no event ${type}; there are ${Object.keys(eventDefinitions).join(', ')}`);
  return types;
}

/** `argus audit follow`: what happens, as it does, until the signal is aborted. */
export async function follow(source: HistorySource, options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { from, shard, types, json } = options;
  if (shard !== undefined && shard >= source.shards)
    throw notUnderstood(`this log has no shard ${shard}: they are 0 to ${source.shards - 1}`);
  const after = await placeBefore(from ?? { kind: 'end' }, source, signal);
  const ever = Number.POSITIVE_INFINITY;
  const everywhere = { chain: ever, shards: after.shards.map(() => ever), policy: ever };
  const streams = rangesBetween(after, everywhere, shard);
  let isAway = false;
  const onWait = ({ message }: Error) => {
    if (!isAway) process.stderr.write(`argus: ${message}; waiting for the log\n`);
    isAway = true;
  };
  const onLevel = () => {
    if (isAway) process.stderr.write('argus: the log is there again\n');
    isAway = false;
  };
  const isWanted = (type: string) => types.size === 0 || types.has(type);
  const isShown = options.isWanted ?? (() => true);
  for await (const happenings of followed(source, streams, { signal, isWanted, onWait, onLevel }))
    await writeOut(
      happenings
        .filter(isShown)
        .map((one) => `${json ? JSON.stringify(jsonOf(one)) : lineOf(one)}\n`)
        .join(''),
    );
}
