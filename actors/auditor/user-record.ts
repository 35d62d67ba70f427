import type { AppointmentId, Height, TowerId, UserId } from '../../events/ids.js';
import type { Dialect } from '../../events/signing/receipts.js';

/** An appointment that somebody has, as an audit remembers it. */
export interface Booking {
  readonly owner: UserRecord;
  readonly slots: number;
  /** The position of the commit that accepted this version, and when that was stored. */
  readonly position: number;
  readonly time: number;
  /** The position of its blob, and what that must hash to: SHA-256, hex. */
  readonly blob: number;
  readonly sha256: string;
  /** Of the user's signature and `to_self_delay`, by which the very same request is known again. */
  readonly mark: number;
  readonly startBlock: Height;
  /** Of the receipt's signature, by which a user names the version that is to be deleted. */
  readonly receiptMark: number;
  status: 'live' | 'rejected';
  /** Whether its blob was found, and was right. */
  isThere: boolean;
}

/** A user, as an audit remembers it. */
export interface UserRecord {
  readonly id: UserId;
  status: 'unknown' | 'registered' | 'outdated';
  dialect: Dialect;
  /** The tower's identity that signs for it; undefined for the log's first. */
  identity?: TowerId | undefined;
  /** Whether it was brought from another tower. */
  isImported?: boolean;
  slots: number;
  start: Height;
  expiry: Height;
  /** Blobs up to this position may not be referred to any more. */
  swept: number;
  readonly appointments: Set<AppointmentId>;
  /** Where those began that it had deleted, until they are added again. */
  readonly deleted: Map<AppointmentId, Height>;
}

/** Characters of a signature that tell it from others: 80 bits of its r. */
const [FROM, TO] = [8, 24];

/** A number that is nearly always another one for another signature or delay (FNV-1a, 32 bits). */
export function markOf(signature: string, delay: number): number {
  let hash = 0x811c9dc5 ^ delay;
  for (let i = FROM; i < TO; i++) hash = Math.imul(hash ^ signature.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
