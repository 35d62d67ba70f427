import { historyOf, passesOf, shardsOf } from '../../actors/auditor/history.js';
import type { HistorySource } from '../../actors/auditor/history-source.js';
import type { LogPoint } from '../../actors/auditor/log-point.js';
import type { Quest } from '../../actors/auditor/quest.js';
import type { Happening } from '../../actors/auditor/timeline.js';
import { printJsonLines, writeOut } from './output.js';
import { placeThrough } from './points.js';
import type { Walk } from './walk.js';

export interface TimelineOptions {
  readonly quest: Quest;
  readonly until: LogPoint;
  readonly json: boolean;
}

/** `argus audit timeline`: everything that happened to one thing. Gives whether there was anything. */
export async function timeline(source: HistorySource, options: TimelineOptions, walk: Walk): Promise<boolean> {
  const { quest, until, json } = options;
  const through = await placeThrough(until, source, walk.signal);
  const shards = shardsOf(quest, source);
  const policy = quest.kind === 'user' ? (through.policy ?? 0) : 0;
  const messages = policy + passesOf(quest) * shards.reduce((sum, shard) => sum + (through.shards[shard] ?? 0), 0);
  let count = 0;
  async function* counted() {
    for await (const happening of historyOf(quest, source, through, walk.way(messages))) {
      count++;
      walk.clear();
      yield happening;
    }
  }
  if (json) await printJsonLines(mapped(counted(), jsonOf));
  else for await (const happening of counted()) await writeOut(`${lineOf(happening)}\n`);
  return count > 0;
}

async function* mapped<A, B>(items: AsyncIterable<A>, as: (item: A) => B): AsyncGenerator<B> {
  for await (const item of items) yield as(item);
}

export const jsonOf = ({ row, words }: Happening): object => ({ ...row, words });

/** When, where, whose, what: `2026-10-01T12:00:00.000Z  TOWER_0:17  user 02ab34cd  registered ...`. */
export function lineOf({ row, words }: Happening): string {
  const place = `${row.stream}:${row.position}`.padEnd(14);
  return `${row.time}  ${place}  ${whose(String(row.aggregate)).padEnd(16)}  ${words}`;
}

/** An aggregate, of whose id the beginning is enough to tell it from those around it. */
function whose(aggregate: string): string {
  const [kind, id] = aggregate.split('/');
  return id === undefined ? `${kind}` : `${kind} ${id.slice(0, 8)}`;
}
