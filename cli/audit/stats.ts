import type { HistorySource } from '../../actors/auditor/history-source.js';
import { beginningOf } from '../../actors/auditor/log-place.js';
import type { LogPoint } from '../../actors/auditor/log-point.js';
import { statisticsOf, type TowerStatistics } from '../../actors/auditor/tower-statistics.js';
import { printFields, printJson, Table } from '../print.js';
import { messagesBetween, placeBefore, placeThrough } from './points.js';
import type { Walk } from './walk.js';

export interface StatsOptions {
  readonly from: LogPoint | undefined;
  readonly until: LogPoint;
  readonly json: boolean;
}

/** `argus audit stats`: what happened over a range, in numbers. */
export async function stats(source: HistorySource, { from, until, json }: StatsOptions, walk: Walk): Promise<void> {
  const after = await placeBefore(from, source, walk.signal);
  const through = await placeThrough(until, source, walk.signal);
  const way = walk.way(messagesBetween(beginningOf(source), through));
  const found = await statisticsOf(source, { after, through }, way);
  walk.clear();
  if (json) printJson(found);
  else print(found);
}

function print({ after, through, answers, ...groups }: TowerStatistics): void {
  process.stdout.write(`CHAIN ${range(after.chain, through.chain)}\n`);
  for (const [shard, position] of through.shards.entries())
    process.stdout.write(`TOWER_${shard} ${range(after.shards[shard] ?? 0, position)}\n`);
  if (through.policy) process.stdout.write(`POLICY ${range(after.policy ?? 0, through.policy)}\n`);
  for (const [name, group] of Object.entries(groups)) {
    process.stdout.write(`\n${name.replaceAll('_', ' ')}\n`);
    printFields(Object.fromEntries(Object.entries(group).map(([field, value]) => [`  ${field}`, tally(value)])));
  }
  process.stdout.write('\nanswers to breaches\n');
  const { unanswered, ...spreads } = answers;
  new Table({ TIME: 'what', COUNT: 'count', P50: 'p50', P90: 'p90', P99: 'p99', MOST: 'most' }).print(
    Object.entries(spreads).map(([name, spread]) => ({ what: name.replaceAll('_', ' '), ...spread })),
  );
  printFields({ unanswered });
}

const range = (after: number, through: number): string =>
  through > after ? `positions ${after + 1} to ${through}` : 'nothing';

/** `expired 3, resolved 1` for how often each of some things happened. */
function tally(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const counts = Object.entries(value);
  return counts.length === 0 ? 0 : counts.map(([name, count]) => `${name} ${count}`).join(', ');
}
