import type { AppointmentId, Height, TowerId, UserId } from '../../events/ids.js';
import type { Dialect } from '../../events/signing/receipts.js';

/** A user, as an audit remembers it. */
export interface UserRecord {
  readonly id: UserId;
  /** From 0 on, in the order in which users came. */
  readonly number: number;
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
