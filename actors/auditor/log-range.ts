import type { Position, Shard } from '../../events/ids.js';
import { CHAIN, POLICY, towerStream } from '../../events/log/streams.js';
import { CommitReader } from './commit-reader.js';
import { acceptanceRow, type EventRow, eventRows } from './event-rows.js';
import type { HistorySource } from './history-source.js';
import type { LogPlace } from './log-place.js';
import type { Way } from './tower-fold.js';

/** A stretch of one stream: the messages after a position, up to another. */
export interface StreamRange {
  readonly stream: string;
  /** Of no meaning for `CHAIN` and `POLICY`. */
  readonly shard: Shard;
  readonly after: Position;
  readonly through: Position;
}

/** The stretches between two places: `CHAIN`, then shard by shard, then `POLICY`; or that of one shard alone. */
export function rangesBetween(after: LogPlace, through: LogPlace, only?: number): StreamRange[] {
  const chain = { stream: CHAIN, shard: 0 as Shard, after: after.chain, through: through.chain };
  const shards = through.shards.map((position, n) => {
    const shard = n as Shard;
    return { stream: towerStream(shard), shard, after: after.shards[n] ?? 0, through: position };
  });
  const policy = { stream: POLICY, shard: 0 as Shard, after: after.policy ?? 0, through: through.policy ?? 0 };
  const all = only === undefined ? [chain, ...shards, policy] : shards.filter(({ shard }) => shard === only);
  return all.filter((range) => range.through > range.after);
}

export const messagesIn = (ranges: readonly StreamRange[]): number =>
  ranges.reduce((sum, { after, through }) => sum + through - after, 0);

/**
 * What is made of each event of a stretch, batch by batch; a row is not kept any longer than that takes. Rejects with what
 * `CommitReader` throws.
 */
export async function* rowsIn<T>(
  { stream, shard, after, through }: StreamRange,
  source: HistorySource,
  { signal, onRead }: Way,
  make: (row: EventRow) => T,
): AsyncGenerator<readonly T[]> {
  const reader = new CommitReader(stream, shard, after);
  for await (const batch of source.read(stream, after + 1, through, signal)) {
    const made: T[] = [];
    for (const message of batch)
      reader.read(message, {
        onCommit: (commit) => {
          for (const row of eventRows(commit, message)) made.push(make(row));
        },
        ...(stream !== CHAIN && { onAcceptance: (acceptance) => made.push(make(acceptanceRow(acceptance, message))) }),
      });
    yield made;
    onRead?.(batch.length);
  }
}
