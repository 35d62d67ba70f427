import type { AppointmentId, Position, Shard, UserId } from '../../events/ids.js';
import { record } from '../../events/log/log-reader.js';
import { POLICY, towerStream } from '../../events/log/streams.js';
import { inWords } from '../event-words.js';
import { shardOf } from '../shard.js';
import { eventRows } from './event-rows.js';
import type { HistorySource } from './history-source.js';
import type { LogPlace } from './log-place.js';
import type { Quest } from './quest.js';
import { type Happening, Timeline } from './timeline.js';
import type { Way } from './tower-fold.js';

/** The shards in which there may be something about it. */
export const shardsOf = (quest: Quest, { shards }: HistorySource): readonly Shard[] =>
  quest.kind === 'user'
    ? [shardOf(quest.userId, shards)]
    : Array.from({ length: shards }, (_, shard) => shard as Shard);

/** How often each message is read: what a transaction is about is only known when it has been met. */
export const passesOf = (quest: Quest): number => (quest.kind === 'txid' ? 2 : 1);

/**
 * All that happened to what is asked for, up to a place: shard by shard in the order of the log, together by the time at which it
 * was stored. Holds no more than one happening of each shard.
 */
export async function* historyOf(
  quest: Quest,
  source: HistorySource,
  through: LogPlace,
  way: Way,
): AsyncGenerator<Happening> {
  const found = quest.kind === 'txid' ? await appointmentsOf(quest, source, through, way) : new Set<AppointmentId>();
  yield* merged([
    ...shardsOf(quest, source).map((shard) =>
      readShard(new Timeline(quest, shard, found), source, shard, through.shards[shard] ?? 0, way),
    ),
    ...(quest.kind === 'user' ? [readPolicy(quest.userId, source, through.policy ?? 0, way)] : []),
  ]);
}

/** What of the invites and the list is about a user. */
async function* readPolicy(userId: UserId, source: HistorySource, through: Position, way: Way) {
  if (through === 0) return;
  for await (const batch of source.read(POLICY, 1, through, way.signal)) {
    for (const message of batch) {
      const commit = record(message.data, message.subject, message.position, 0 as Shard);
      const rows = eventRows(commit, message);
      for (const [i, event] of commit.events.entries()) {
        const row = rows[i];
        if (row?.user_id === userId) yield { row, words: inWords(event), stored: message.time };
      }
    }
    way.onRead?.(batch.length);
  }
}

async function* readShard(timeline: Timeline, source: HistorySource, shard: Shard, through: number, way: Way) {
  if (through === 0) return;
  for await (const batch of source.read(towerStream(shard), 1, through, way.signal)) {
    for (const message of batch) yield* timeline.read(message);
    way.onRead?.(batch.length);
  }
}

/** The appointments that a transaction has to do with: a penalty is named long after its appointment was accepted. */
async function appointmentsOf(quest: Quest, source: HistorySource, through: LogPlace, way: Way) {
  const found = new Set<AppointmentId>();
  for (const shard of shardsOf(quest, source)) {
    const timeline = new Timeline(quest, shard);
    for await (const _ of readShard(timeline, source, shard, through.shards[shard] ?? 0, way));
    for (const id of timeline.appointments) found.add(id);
  }
  return found;
}

/** Several sequences as one, each in its own order. */
async function* merged(sequences: readonly AsyncGenerator<Happening>[]): AsyncGenerator<Happening> {
  const heads = await Promise.all(sequences.map(async (sequence) => ({ sequence, next: await sequence.next() })));
  for (;;) {
    const [first] = heads
      .filter(({ next }) => !next.done)
      .toSorted((a, b) => (a.next.value?.stored ?? 0) - (b.next.value?.stored ?? 0));
    if (!first?.next.value) return;
    yield first.next.value;
    first.next = await first.sequence.next();
  }
}
