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

/**
 * A number that is nearly always another one for another signature or delay. Of the whole text, as the tower compares it: the same
 * signature in capitals is another request.
 */
export const markOf = (signature: string, delay: number): number => fnv(signature, 0, signature.length, delay);

/** Characters of a signature that tell it from others: 80 bits of its r. */
const [FROM, TO] = [8, 24];

/** The same of a receipt's signature, which the tower itself has written. */
export const receiptMarkOf = (signature: string): number => fnv(signature, FROM, TO, 0);

/** FNV-1a, 32 bits. */
function fnv(text: string, from: number, to: number, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
