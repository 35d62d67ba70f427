import type { BlockHash } from '../../events/ids.js';
import type { ImportSource } from '../../events/import.js';
import type { Dialect } from '../../events/signing/receipts.js';

/** Another tower's store, as an import reads it: rows of values that nobody has checked yet. */

/** What cannot be read, or may not be imported; the message is for the operator. */
export class ImportError extends Error {
  readonly code = 'import';
}

/** A row by the name that its store has for it, and what it says; text is hex where it is of bytes. */
export interface Row<Ref = unknown> {
  /** For people: the row's key. */
  readonly name: string;
  /** By which `appointment` finds it again. */
  readonly ref: Ref;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A store that is open. Rows come in the same order each time. */
export interface OldTower<Ref = unknown> {
  readonly from: ImportSource;
  readonly dialect: Dialect;
  /** `user_id`, `slots`, `start` (of the rust generation), `expiry`, `booked` (of the python generation: names). */
  users(): AsyncIterable<Row<Ref>>;
  /** `uuid`, `user_id`, `locator`, `blob`, `to_self_delay`, `user_signature`, `start_block`. */
  appointments(): AsyncIterable<Row<Ref>>;
  /** `uuid`, `dispute_txid`, `penalty_txid`, `penalty_tx`. */
  trackers(): AsyncIterable<Row<Ref>>;
  appointment(ref: Ref): Promise<Row<Ref>>;
  /** The blocks that it says it has dealt with last. */
  lastBlocks(): Promise<readonly BlockHash[]>;
  /** Its secret keys, the one in force first, which the caller wipes. Rejects with `ImportError` if there is none that is one. */
  keys(): Promise<readonly Uint8Array[]>;
  close(): Promise<void>;
}
