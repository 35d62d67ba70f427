import type { AuditMessage } from '../../actors/auditor/audit-source.js';
import type { HistorySource } from '../../actors/auditor/history-source.js';
import { aggregateSubject } from '../../events/aggregate.js';
import { type Commit, encodeCommit, type Recorded } from '../../events/commit.js';
import type { Shard } from '../../events/ids.js';
import { CHAIN, towerStream } from '../../events/log/streams.js';

/** When the first message of each stream of a `MemorySource` was stored: the others come a second apart. */
export const STORED_FROM = Date.parse('2026-01-01T00:00:00.000Z');

/** A log in memory: the commits of the chain, and of each shard; the message at position `p` was stored `p` seconds after `STORED_FROM`. */
export class MemorySource implements HistorySource {
  readonly shards: number;
  /** How many messages were given. */
  given = 0;
  readonly #streams = new Map<string, readonly AuditMessage[]>();

  constructor(chain: readonly Recorded[], ...shards: (readonly Recorded[])[]) {
    this.shards = shards.length;
    this.#streams.set(CHAIN, messagesOf(CHAIN, chain, 0 as Shard));
    for (const [shard, commits] of shards.entries()) {
      const stream = towerStream(shard as Shard);
      this.#streams.set(stream, messagesOf(stream, commits, shard as Shard));
    }
  }

  /** Puts other bytes in the place of a message, or nothing. */
  damage(stream: string, position: number, data: Uint8Array | undefined): void {
    const messages = Array.from(this.#streams.get(stream) ?? []);
    const message = messages[position - 1];
    if (data && message) messages[position - 1] = { ...message, data };
    else messages.splice(position - 1, 1);
    this.#streams.set(stream, messages);
  }

  async tail(stream: string): Promise<number> {
    return this.#streams.get(stream)?.length ?? 0;
  }

  async *read(stream: string, from: number, through: number): AsyncGenerator<readonly AuditMessage[]> {
    const messages = this.#streams.get(stream) ?? [];
    for (let at = from; at <= through; at += BATCH) {
      const batch = messages.slice(at - 1, Math.min(through, at + BATCH - 1));
      this.given += batch.length;
      yield batch;
    }
  }
}

const BATCH = 3;

const messagesOf = (stream: string, commits: readonly Recorded[], shard: Shard): AuditMessage[] =>
  commits.map((commit) => ({
    stream,
    position: commit.position,
    subject: aggregateSubject(commit.aggregate, shard),
    time: STORED_FROM + 1000 * commit.position,
    data: encodeCommit(commit as Commit),
  }));
