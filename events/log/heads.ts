import { NatsError } from 'nats';
import type { Position, Shard } from '../ids.js';
import { decodeHead, encodeHead, type TreeHead } from '../tree-head.js';
import { isApiError, NO_MESSAGE_FOUND } from './api-errors.js';
import { LogUnavailableError } from './errors.js';
import type { EventLog } from './log.js';
import { isUncertain } from './publish.js';
import { CHECKPOINTS } from './streams.js';

/** A head with its place in `CHECKPOINTS`, which those of all shards share. */
export interface StoredHead {
  readonly head: TreeHead;
  readonly position: Position;
}

const subjectOf = (shard: Shard): string => `argus.checkpoint.${shard}`;

/** The tree heads of all shards, as they were signed. What is read here rejects with `LogUnavailableError` or `DamagedHeadError`. */
export class HeadStore {
  constructor(private readonly log: Pick<EventLog, 'jsm' | 'store'>) {}

  /** The newest head of a shard; undefined if there is none. */
  last(shard: Shard): Promise<StoredHead | undefined> {
    return this.#read({ last_by_subj: subjectOf(shard) });
  }

  /** The head of a shard that is there in `CHECKPOINTS`; undefined if there is none. */
  async at(shard: Shard, position: Position): Promise<TreeHead | undefined> {
    const head = (await this.#read({ seq: position }))?.head;
    return head?.shard === shard ? head : undefined;
  }

  /** The head over so many messages of a shard; undefined if none was signed at that size. */
  async ofSize(shard: Shard, size: number): Promise<StoredHead | undefined> {
    // Those of a shard grow from one to the next: half of what is left is ruled out by each look.
    let [from, to] = [1, (await this.last(shard))?.position ?? 0];
    while (from <= to) {
      const middle = Math.floor((from + to) / 2);
      const found = await this.#read({ seq: middle, next_by_subj: subjectOf(shard) });
      if (found?.head.treeSize === size) return found;
      if (found && found.head.treeSize < size) from = found.position + 1;
      else to = middle - 1;
    }
    return undefined;
  }

  /**
   * Appends a head after the one at `expected`, 0 for the first. False if something else is there, or if it is not known
   * whether it was stored: reading tells. Rejects with `LogUnavailableError` if the server will not take it.
   */
  async append(head: TreeHead, expected: Position): Promise<boolean> {
    try {
      await this.log.store(CHECKPOINTS, { subject: subjectOf(head.shard), data: encodeHead(head), expected });
      return true;
    } catch (cause) {
      if (isUncertain(cause)) return false;
      throw new LogUnavailableError('the log took no tree head', { cause });
    }
  }

  async #read(
    query: { last_by_subj: string } | { seq: number; next_by_subj?: string },
  ): Promise<StoredHead | undefined> {
    try {
      const { data, seq } = await this.log.jsm.streams.getMessage(CHECKPOINTS, query);
      return { head: decodeHead(data), position: seq };
    } catch (cause) {
      if (isApiError(cause, NO_MESSAGE_FOUND)) return undefined;
      if (!(cause instanceof NatsError)) throw cause;
      throw new LogUnavailableError('a tree head could not be read', { cause });
    }
  }
}
