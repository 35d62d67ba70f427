import { createHash } from 'node:crypto';
import { NatsError } from 'nats';
import { toHex } from '../bytes.js';
import type { Position, Shard, UserId } from '../ids.js';
import type { BlobRef } from '../user.js';
import { LogUnavailableError } from './errors.js';
import type { EventLog } from './log.js';
import { blobStream } from './streams.js';

/** Encrypted blobs: stored beside the log, referred to by its events, and erased when their appointment ends. */

const REQUEST_MS = 2_000;
/** What the server calls a message that is not there, when it is read (10037) and when it is deleted (10043, 10057). */
const NOT_FOUND = new Set([10037, 10043, 10057]);

/** A stored blob does not hash to what its appointment says. */
export class BlobDamagedError extends Error {
  readonly code = 'blob-damaged';
}

export class BlobStore {
  constructor(private readonly log: EventLog) {}

  /** Stores a blob and waits for the ack. A blob that no commit comes to refer to is swept later. Rejects with `LogUnavailableError`. */
  async put(shard: Shard, userId: UserId, blob: Uint8Array): Promise<BlobRef> {
    try {
      const ack = await this.log.nc.jetstream().publish(`argus.${shard}.blob.${userId}`, blob, { timeout: REQUEST_MS });
      return { position: ack.seq, sha256: blobHash(blob), size: blob.length };
    } catch (cause) {
      throw new LogUnavailableError('the blob could not be stored', { cause });
    }
  }

  /** The blob of a reference; undefined if it was erased. Rejects with `BlobDamagedError` if it is not the one referred to. */
  async get(shard: Shard, ref: BlobRef): Promise<Uint8Array | undefined> {
    try {
      const message = await this.log.jsm.streams.getMessage(blobStream(shard), { seq: ref.position });
      if (blobHash(message.data) === ref.sha256) return message.data;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw new LogUnavailableError('the blob could not be read', { cause: error });
    }
    throw new BlobDamagedError(`the blob at ${ref.position} of shard ${shard} is not the one that was stored`);
  }

  /** Erases a blob; one that is gone already is no matter. */
  async erase(shard: Shard, position: Position): Promise<void> {
    try {
      // Without secure erasure, which rewrites the whole block: a blob is ciphertext, and compaction frees the space.
      await this.log.jsm.streams.deleteMessage(blobStream(shard), position, false);
    } catch (error) {
      if (!isNotFound(error)) throw new LogUnavailableError('the blob could not be erased', { cause: error });
    }
  }
}

/** What a blob must hash to: SHA-256, hex. */
export const blobHash = (bytes: Uint8Array): string => toHex(createHash('sha256').update(bytes).digest());

const isNotFound = (error: unknown): boolean =>
  error instanceof NatsError && NOT_FOUND.has(error.api_error?.err_code ?? 0);
