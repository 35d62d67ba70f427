import { aggregateSubject, chainAggregate, scanAggregate } from '../../events/aggregate.js';
import type { ChainCommit, Recorded } from '../../events/commit.js';
import type { Position, Shard } from '../../events/ids.js';
import { record } from '../../events/log/log-reader.js';
import { CHAIN, POLICY, towerStream } from '../../events/log/streams.js';
import type { AuditMessage } from './audit-source.js';
import type { HistorySource } from './history-source.js';
import { type LogPoint, LogPointError } from './log-point.js';

/** A place in every stream of a log: the last message that is before it, or in it; 0 for none. */
export interface LogPlace {
  readonly chain: Position;
  /** By shard. */
  readonly shards: readonly Position[];
  /** In `POLICY`; absent where there is nothing before it there. */
  readonly policy?: Position;
}

/** The place before everything. */
export const beginningOf = ({ shards }: HistorySource): LogPlace => ({ chain: 0, shards: Array(shards).fill(0) });

/** By how much servers of a cluster may disagree about the time, at the very most. */
const SKEW_MS = 600_000;

/**
 * Finds in the log the moments that people name. A few messages are read for it, and all of `CHAIN` for a height.
 *
 * Streams have no common order. What a moment in one of them is in the others goes by the clock of the server which stored
 * them; a height goes by what the log says: up to where the block is said to be evaluated for the shard.
 */
export class LogPlaces {
  constructor(
    private readonly source: HistorySource,
    private readonly signal: AbortSignal,
  ) {}

  /** The place up to which all had happened by then, that moment included. Rejects with `LogPointError`. */
  async through(point: LogPoint): Promise<LogPlace> {
    switch (point.kind) {
      case 'end':
        return this.#everywhere((stream) => this.source.tail(stream));
      case 'time':
        return this.#everywhere((stream) => this.#countUntil(stream, point.time));
      case 'position':
        return this.#atPosition(point, point.position, (stream, time) => this.#countUntil(stream, time));
      case 'height':
        return this.#atHeight(point.height);
    }
  }

  /** The place after which that moment begins: what is up to there is before it. Rejects with `LogPointError`. */
  async before(point: LogPoint): Promise<LogPlace> {
    switch (point.kind) {
      case 'end':
        return this.through(point);
      case 'time':
        return this.#everywhere((stream) => this.#countUntil(stream, point.time - 1));
      case 'position':
        return this.#atPosition(point, point.position - 1, (stream, time) => this.#countUntil(stream, time - 1));
      case 'height':
        return point.height <= (await this.#lowestHeight())
          ? beginningOf(this.source)
          : this.#atHeight(point.height - 1);
    }
  }

  async #everywhere(position: (stream: string) => Promise<Position>): Promise<LogPlace> {
    const [policy = 0, chain = 0, ...shards] = await Promise.all([POLICY, CHAIN, ...this.#streams()].map(position));
    return { chain, shards, ...(policy > 0 && { policy }) };
  }

  #streams(): string[] {
    return Array.from({ length: this.source.shards }, (_, shard) => towerStream(shard as Shard));
  }

  async #atPosition(
    { position, shard }: Extract<LogPoint, { kind: 'position' }>,
    here: Position,
    elsewhere: (stream: string, time: number) => Promise<Position>,
  ): Promise<LogPlace> {
    const { shards } = this.source;
    if (shard === undefined && shards > 1)
      throw new LogPointError(`this log has ${shards} shards: say in which, such as 0:${position}`);
    if ((shard ?? 0) >= shards) throw new LogPointError(`this log has no shard ${shard}: they are 0 to ${shards - 1}`);
    if (position === 0) return beginningOf(this.source);
    const stream = towerStream((shard ?? 0) as Shard);
    const tail = await this.source.tail(stream);
    if (position > tail)
      throw new LogPointError(`shard ${shard ?? 0} has no position ${position}: its last is ${tail}`);
    const { time } = await this.#message(stream, position);
    return this.#everywhere(async (other) => (other === stream ? here : elsewhere(other, time)));
  }

  async #atHeight(height: number): Promise<LogPlace> {
    let found: { readonly position: Position; readonly time: number } | undefined;
    let [lowest, highest] = [Number.POSITIVE_INFINITY, 0];
    for await (const [{ events, position }, { time }] of this.#chain())
      for (const event of events) {
        if (event.type !== 'BlockConnected') continue;
        lowest = Math.min(lowest, event.height);
        highest = Math.max(highest, event.height);
        if (event.height === height) found = { position, time };
      }
    if (!found)
      throw new LogPointError(
        highest === 0
          ? 'there is no block on this log'
          : `no block of height ${height} is on this log: it has ${lowest} to ${highest}`,
      );
    const { position, time } = found;
    return this.#everywhere(async (stream) => {
      if (stream === POLICY) return this.#countUntil(stream, time);
      return stream === CHAIN ? position : this.#scanned(stream, position, time);
    });
  }

  async #lowestHeight(): Promise<number> {
    for await (const [{ events }] of this.#chain())
      for (const event of events) if (event.type === 'BlockConnected') return event.height;
    return 0;
  }

  async *#chain(): AsyncGenerator<[Recorded<ChainCommit>, AuditMessage]> {
    const subject = aggregateSubject(chainAggregate, 0 as Shard);
    for await (const batch of this.source.read(CHAIN, 1, await this.source.tail(CHAIN), this.signal))
      for (const message of batch)
        yield [record(message.data, subject, message.position, 0 as Shard) as Recorded<ChainCommit>, message];
  }

  /** Where a shard says that it evaluated the block which was connected there, or a later one; its end if it never did. */
  async #scanned(stream: string, chainPosition: Position, time: number): Promise<Position> {
    const tail = await this.source.tail(stream);
    const shard = Number(stream.slice(stream.lastIndexOf('_') + 1)) as Shard;
    const subject = aggregateSubject(scanAggregate, shard);
    const from = (await this.#countUntil(stream, time - SKEW_MS)) + 1;
    for await (const batch of this.source.read(stream, from, tail, this.signal))
      for (const message of batch) {
        if (message.subject !== subject) continue;
        const { events } = record(message.data, subject, message.position, shard);
        if (events.some((event) => event.type === 'BlockScanned' && event.chainPosition >= chainPosition))
          return message.position;
      }
    return tail;
  }

  /** How many messages of a stream were stored by then: half of what is left is ruled out by each look. */
  async #countUntil(stream: string, time: number): Promise<number> {
    // Of a trimmed stream what was there cannot be looked at.
    let [from, to] = [Math.max(1, (await this.source.cut?.(stream)) ?? 0), await this.source.tail(stream)];
    while (from <= to) {
      const middle = Math.floor((from + to) / 2);
      if ((await this.#message(stream, middle)).time <= time) from = middle + 1;
      else to = middle - 1;
    }
    return to;
  }

  async #message(stream: string, position: Position): Promise<AuditMessage> {
    for await (const [message] of this.source.read(stream, position, position, this.signal))
      if (message) return message;
    throw new LogPointError(`${stream} has no message ${position}`);
  }
}
