import type { Secp256k1 } from '../../events/signing/curve.js';

/**
 * How signature work travels to another thread and back: a batch is an array of slots of 98 bytes, and the thread writes
 * each answer over its question.
 *
 *   question   what (1): RECOVER, or SIGN + the number of the key || digest (32) || the user's signature record (65), where a key is to be recovered
 *   answer     what (1): as it was, or NOTHING || digest (32) || key (33) or signature record (65)
 *
 * A record is one byte, 31 + recovery id, then r and s, 32 bytes each (`events/signing/message.ts`).
 */

export const SLOT_BYTES = 98;
const DIGEST_AT = 1;
const RECORD_AT = 33;
const KEY_BYTES = 33;
const FIRST_HEADER = 31;

/** What there is to do: recover who signed a digest, or sign one with the tower's first key, or with the one that is so many behind it. */
export const RECOVER = 1;
export const SIGN = 2;
/** No tower has more keys than a byte can tell apart. */
export const MOST_KEYS = 256 - SIGN;
const SECRET_BYTES = 32;
/** The answer where no key can be recovered. */
const NOTHING = 0;

export interface Question {
  /** `RECOVER`, or `SIGN` and the number of the key. */
  readonly what: number;
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

/** Writes the answers of the slots from one up to another, which is not among them. `secrets` has 32 bytes for each key. */
export function workOff(batch: Uint8Array, from: number, to: number, curve: Secp256k1, secrets: Uint8Array): void {
  for (let i = from; i < to; i++) {
    const slot = batch.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES);
    const digest = slot.subarray(DIGEST_AT, RECORD_AT);
    const key = (slot[0] ?? NOTHING) - SIGN;
    if (key >= 0) {
      const secret = secrets.subarray(key * SECRET_BYTES, (key + 1) * SECRET_BYTES);
      const { signature, recoveryId } = curve.signRecoverable(digest, secret);
      slot[RECORD_AT] = FIRST_HEADER + recoveryId;
      slot.set(signature, RECORD_AT + 1);
    } else {
      const signer = curve.recover(digest, slot.subarray(RECORD_AT + 1), (slot[RECORD_AT] ?? 0) - FIRST_HEADER);
      if (signer) slot.set(signer, RECORD_AT);
      else slot[0] = NOTHING;
    }
  }
}

/** The answer in a slot: a key, a signature's record, or undefined where there is no key. Valid while the batch is. */
export function answerIn(batch: Uint8Array, i: number): Uint8Array | undefined {
  const at = i * SLOT_BYTES;
  switch (batch[at]) {
    case NOTHING:
      return undefined;
    case RECOVER:
      return batch.subarray(at + RECORD_AT, at + RECORD_AT + KEY_BYTES);
    default:
      return batch.subarray(at + RECORD_AT, at + SLOT_BYTES);
  }
}
