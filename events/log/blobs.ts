import { hash } from 'node:crypto';
import { AckPolicy, DeliverPolicy, NatsError } from 'nats';
import { type Position, type Shard, UserId } from '../ids.js';
import type { BlobRef } from '../user.js';
import { isApiError, NO_MESSAGE_FOUND } from './api-errors.js';
import { LogUnavailableError } from './errors.js';
import type { EventLog } from './log.js';
import { blobStream } from './streams.js';

/** Encrypted blobs: stored beside the log, referred to by its events, and erased when their appointment ends. */

const REQUEST_MS = 2_000;
/** Blobs that are read before they are asked for, at the most; they may be of 64 KiB. */
const MOST_EXPECTED = 200;
/** What the server calls a message that is not there when it is to be deleted. */
const NONE_TO_DELETE = [10043, 10057];

/** Headers are enough to know a blob's position, owner and age. */
const LISTING = {
  ack_policy: AckPolicy.None,
  deliver_policy: DeliverPolicy.StartSequence,
  headers_only: true,
  mem_storage: true,
  num_replicas: 1,
  inactive_threshold: 30_000_000_000,
};
const PAGE = 1_000;

/** A blob that is stored, as the sweeper sees it. */
export interface StoredBlob {
  readonly position: Position;
  readonly userId: UserId;
  /** By the server's clock, in milliseconds since 1970. */
  readonly storedAt: number;
}

const msOf = ({ timestampNanos }: { timestampNanos: number }): number => timestampNanos / 1_000_000;

/** A stored blob does not hash to what its appointment says. */
export class BlobDamagedError extends Error {
  readonly code = 'blob-damaged';
}

export class BlobStore {
  /** The blobs that are about to be wanted, as a replica gives them. */
  readonly #expected = new Map<string, Promise<Uint8Array | undefined>>();

  constructor(private readonly log: EventLog) {}

  /**
   * Stores a blob and waits for the ack. A blob that no commit comes to refer to is swept later. `sha256` is its hash, for
   * who knows it already. Rejects with `LogUnavailableError`.
   */
  async put(shard: Shard, userId: UserId, blob: Uint8Array, sha256 = blobHash(blob)): Promise<BlobRef> {
    try {
      const message = { subject: `argus.${shard}.blob.${userId}`, data: blob };
      const position = await this.log.store(blobStream(shard), message);
      return { position, sha256, size: blob.length };
    } catch (cause) {
      throw new LogUnavailableError('the blob could not be stored', { cause });
    }
  }

  /**
   * The blob of a reference; undefined if it was erased. Rejects with `BlobDamagedError` if it is not the one referred to.
   *
   * Any replica is asked first, which is quick; what it has not, or has damaged, the leader is asked for.
   */
  async get(shard: Shard, ref: BlobRef): Promise<Uint8Array | undefined> {
    const stream = blobStream(shard);
    const key = `${stream}/${ref.position}`;
    const near = await (this.#expected.get(key) ?? this.#near(stream, ref.position));
    this.#expected.delete(key);
    if (near && blobHash(near) === ref.sha256) return near;
    try {
      const { data } = await this.log.jsm.streams.getMessage(stream, { seq: ref.position });
      if (blobHash(data) === ref.sha256) return data;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw new LogUnavailableError('the blob could not be read', { cause: error });
    }
    throw new BlobDamagedError(`the blob at ${ref.position} of shard ${shard} is not the one that was stored`);
  }

  /**
   * Reads a blob that `get` is about to be asked for, of which nothing but its position is known yet: what a replica has there,
   * whether or not it is what was stored. Undefined if none answers, it has nothing there, or too many are expected.
   */
  expect(shard: Shard, position: Position): Promise<Uint8Array | undefined> {
    const stream = blobStream(shard);
    const key = `${stream}/${position}`;
    const under = this.#expected.get(key);
    if (under) return under;
    if (this.#expected.size >= MOST_EXPECTED) return Promise.resolve(undefined);
    const blob = this.#near(stream, position);
    this.#expected.set(key, blob);
    setTimeout(() => this.#expected.delete(key), REQUEST_MS).unref();
    return blob;
  }

  /** The message there as any replica has it; undefined if none answers, or it has none. */
  async #near(stream: string, position: Position): Promise<Uint8Array | undefined> {
    return (await this.log.near(stream, position))?.data;
  }

  /** How many blobs a shard holds. Rejects with `LogUnavailableError`. */
  async count(shard: Shard): Promise<number> {
    try {
      return (await this.log.jsm.streams.info(blobStream(shard))).state.messages;
    } catch (cause) {
      throw new LogUnavailableError('the blobs could not be counted', { cause });
    }
  }

  /**
   * The blobs of a shard after a position, in order, without their bytes: for the sweeper. Rejects with
   * `LogUnavailableError`.
   */
  async *list(shard: Shard, after: Position): AsyncGenerator<StoredBlob[]> {
    const { nc, jsm } = this.log;
    const stream = blobStream(shard);
    try {
      const { state } = await jsm.streams.info(stream);
      if (state.messages === 0 || state.last_seq <= after) return;
      const { name } = await jsm.consumers.add(stream, { ...LISTING, opt_start_seq: after + 1 });
      const consumer = await nc.jetstream().consumers.get(stream, name);
      for (let pending = 1; pending > 0; ) {
        const page: StoredBlob[] = [];
        pending = 0;
        for await (const { info, seq, subject } of await consumer.fetch({ max_messages: PAGE, expires: REQUEST_MS })) {
          page.push({ position: seq, userId: UserId.parse(subject.split('.').at(-1)), storedAt: msOf(info) });
          pending = info.pending;
          if (pending === 0) break; // else it would wait for a page to be full
        }
        yield page;
      }
      await jsm.consumers.delete(stream, name);
    } catch (cause) {
      if (cause instanceof NatsError) throw new LogUnavailableError('the blobs could not be listed', { cause });
      throw cause;
    }
  }

  /**
   * Erases a blob; one that is gone already is no matter. `overwrite` leaves nothing of it on the server's disk, which
   * rewrites all of a block of up to 8 MB; without it the bytes stay there until the server compacts that block.
   */
  async erase(shard: Shard, position: Position, overwrite = false): Promise<void> {
    try {
      await this.log.jsm.streams.deleteMessage(blobStream(shard), position, overwrite);
    } catch (error) {
      if (!isNotFound(error)) throw new LogUnavailableError('the blob could not be erased', { cause: error });
    }
  }
}

/** What a blob must hash to: SHA-256, hex. */
export const blobHash = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');

const isNotFound = (error: unknown): boolean => isApiError(error, NO_MESSAGE_FOUND, ...NONE_TO_DELETE);
