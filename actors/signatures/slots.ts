import type { Secp256k1 } from '../../events/signing/curve.js';

/**
 * How signature work travels to another thread and back: a batch is an array of slots of 98 bytes, and the thread writes
 * each answer over its question.
 *
 *   question   what (1) || digest (32) || the user's signature record (65), where a key is to be recovered
 *   answer     what (1): as it was, or NOTHING || digest (32) || key (33) or signature record (65)
 *
 * A record is one byte, 31 + recovery id, then r and s, 32 bytes each (`events/signing/message.ts`).
 */

export const SLOT_BYTES = 98;
const DIGEST_AT = 1;
const RECORD_AT = 33;
const KEY_BYTES = 33;
const FIRST_HEADER = 31;

/** What there is to do: recover who signed a digest, or sign one with the tower's key. */
export const RECOVER = 1;
export const SIGN = 2;
/** The answer where no key can be recovered. */
const NOTHING = 0;

export interface Question {
  readonly what: typeof RECOVER | typeof SIGN;
  /** 32 bytes. */
  readonly digest: Uint8Array;
  /** 65 bytes; only of what is to be recovered. */
  readonly record: Uint8Array | undefined;
}

/** The questions as a batch, in memory of their own. */
export function batchOf(questions: readonly Question[]): Uint8Array<ArrayBuffer> {
  const batch = new Uint8Array(questions.length * SLOT_BYTES);
  for (const [i, { what, digest, record }] of questions.entries()) {
    const at = i * SLOT_BYTES;
    batch[at] = what;
    batch.set(digest, at + DIGEST_AT);
    if (record) batch.set(record, at + RECORD_AT);
  }
  return batch;
}

/** How many slots a batch has. Throws a `RangeError` on what is none. */
export function slotsOf(batch: Uint8Array): number {
  if (batch.length % SLOT_BYTES !== 0) throw new RangeError(`${batch.length} bytes are no batch`);
  return batch.length / SLOT_BYTES;
}

/** Writes the answers of the slots from one up to another, which is not among them. */
export function workOff(batch: Uint8Array, from: number, to: number, curve: Secp256k1, secret: Uint8Array): void {
  for (let i = from; i < to; i++) {
    const slot = batch.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES);
    const digest = slot.subarray(DIGEST_AT, RECORD_AT);
    if (slot[0] === SIGN) {
      const { signature, recoveryId } = curve.signRecoverable(digest, secret);
      slot[RECORD_AT] = FIRST_HEADER + recoveryId;
      slot.set(signature, RECORD_AT + 1);
    } else {
      const key = curve.recover(digest, slot.subarray(RECORD_AT + 1), (slot[RECORD_AT] ?? 0) - FIRST_HEADER);
      if (key) slot.set(key, RECORD_AT);
      else slot[0] = NOTHING;
    }
  }
}

/** The answer in a slot: a key, a signature's record, or undefined where there is no key. Valid while the batch is. */
export function answerIn(batch: Uint8Array, i: number): Uint8Array | undefined {
  const at = i * SLOT_BYTES;
  switch (batch[at]) {
    case RECOVER:
      return batch.subarray(at + RECORD_AT, at + RECORD_AT + KEY_BYTES);
    case SIGN:
      return batch.subarray(at + RECORD_AT, at + SLOT_BYTES);
    default:
      return undefined;
  }
}
