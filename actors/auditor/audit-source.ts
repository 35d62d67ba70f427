import type { LogIdentity } from '../../events/log/streams.js';

/** What an auditor reads: all that it knows of where a log is. */

/** A message of a stream, as it is stored. */
export interface AuditMessage {
  readonly stream: string;
  /** From 1, and without gaps in a stream that nothing is deleted from. */
  readonly position: number;
  readonly subject: string;
  /** When it was stored: milliseconds since 1970, by the server's clock. */
  readonly time: number;
  readonly data: Uint8Array;
}

/** A log to be read, live or kept. What it gives comes in the order of positions, in batches, and is read a little ahead. */
export interface AuditSource {
  /** What the log says of itself: its network, its tower and the number of its shards. Nothing proves it. */
  readonly identity: LogIdentity;
  /** How many shards the log has. */
  readonly shards: number;
  /** Whether it has the blobs that are there at all. An archive has none: nothing follows from one that is missing there. */
  readonly hasBlobs: boolean;
  /** Whether it has the invites and the list of the operator's. An archive has none: they are under no signed head. */
  readonly hasPolicy: boolean;
  /** The last position of a stream, 0 if it is empty or is not there. Rejects with `LogUnavailableError`. */
  tail(stream: string): Promise<number>;
  /**
   * The messages from one position through another, all of which have to be there: rejects with `MissingMessageError`, which
   * names stream and position, where one is not; with `TrimmedError` where it was trimmed; with `LogUnavailableError` if the
   * log does not answer.
   */
  read(stream: string, from: number, through: number, signal: AbortSignal): AsyncIterable<readonly AuditMessage[]>;
  /** The same of what is there of them, of a stream that messages are erased from. */
  remaining(stream: string, from: number, through: number, signal: AbortSignal): AsyncIterable<readonly AuditMessage[]>;
  /** Up to where a stream was trimmed, 0 if it was not; of a source without it none ever is. What was trimmed cannot be read. */
  cut?(stream: string): Promise<number>;
  /** Of an archive and a log as one: the two, to be compared where the log was trimmed. */
  readonly parts?: { readonly archive: AuditSource; readonly live: AuditSource };
  close(): Promise<void>;
}
