import type { AppointmentId, Height, Locator, TowerId, UserId } from '../../events/ids.js';
import { appointmentId } from '../../events/signing/appointment.js';
import type { Secp256k1 } from '../../events/signing/curve.js';
import { signerIs } from '../../events/signing/message.js';
import { appointmentReceipt, type Dialect } from '../../events/signing/receipts.js';

/**
 * Signatures to be checked, as they travel to another thread: records one behind the other. What a record says is text in
 * ASCII and numbers of four bytes, so that next to nothing is done to put it there.
 *
 *   acceptance   1 || dialect (1) || start block (4) || user's signature (104) || receipt's (104) || locator (32) || user (66)
 *                  || appointment (40)
 *   message      2 || signature (104) || signer (66) || length (4) || message
 */

const [ACCEPTANCE, MESSAGE] = [1, 2];
const SIGNATURE = 104;
const KEY = 66;
const LOCATOR = 32;
const ID = 40;
const ACCEPTANCE_BYTES = 6 + 2 * SIGNATURE + LOCATOR + KEY + ID;
const MESSAGE_BYTES = 1 + SIGNATURE + KEY + 4;

/** What came of a record. */
export const [RIGHT, WRONG_SIGNATURE, WRONG_ID] = [0, 1, 2];

/** What of an accepted appointment the tower has signed, and what follows from it. */
export interface SignedAcceptance {
  readonly dialect: Dialect;
  readonly startBlock: Height;
  readonly userSignature: string;
  readonly receiptSignature: string;
  readonly locator: Locator;
  readonly userId: UserId;
  readonly appointmentId: AppointmentId;
}

/** Records, until there are enough for a thread. */
export class SignatureBatch {
  #bytes = Buffer.allocUnsafeSlow(1 << 17);
  #used = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  acceptance(about: SignedAcceptance): void {
    let at = this.#room(ACCEPTANCE_BYTES);
    const bytes = this.#bytes;
    bytes[at] = ACCEPTANCE;
    bytes[at + 1] = about.dialect === 'python' ? 0 : 1;
    bytes.writeUInt32BE(about.startBlock, at + 2);
    at += 6;
    at += bytes.write(about.userSignature, at, SIGNATURE, 'latin1');
    at += bytes.write(about.receiptSignature, at, SIGNATURE, 'latin1');
    at += bytes.write(about.locator, at, LOCATOR, 'latin1');
    at += bytes.write(about.userId, at, KEY, 'latin1');
    bytes.write(about.appointmentId, at, ID, 'latin1');
  }

  message(message: Uint8Array, signature: string, signer: UserId | TowerId): void {
    let at = this.#room(MESSAGE_BYTES + message.length);
    const bytes = this.#bytes;
    bytes[at++] = MESSAGE;
    at += bytes.write(signature, at, SIGNATURE, 'latin1');
    at += bytes.write(signer, at, KEY, 'latin1');
    at = bytes.writeUInt32BE(message.length, at);
    bytes.set(message, at);
  }

  /** The bytes, whose memory is somebody else's from now on. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#used);
  }

  #room(size: number): number {
    const at = this.#used;
    if (at + size > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * (at + size));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    this.#used += size;
    this.#count++;
    return at;
  }
}

/** What came of each record of a batch; `towerId` is who signs receipts. */
export function checkBatch(bytes: Uint8Array, towerId: TowerId, curve?: Secp256k1): Uint8Array<ArrayBuffer> {
  const batch = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const results: number[] = [];
  for (let at = 0; at < batch.length; ) {
    const size =
      batch[at] === ACCEPTANCE ? ACCEPTANCE_BYTES : MESSAGE_BYTES + batch.readUInt32BE(at + 1 + SIGNATURE + KEY);
    const record = batch.subarray(at, at + size);
    results.push(batch[at] === ACCEPTANCE ? checkAcceptance(record, towerId, curve) : checkMessage(record, curve));
    at += size;
  }
  return Uint8Array.from(results);
}

function checkAcceptance(record: Buffer, towerId: TowerId, curve?: Secp256k1): number {
  let at = 6;
  const text = (length: number) => {
    at += length;
    return record.toString('latin1', at - length, at);
  };
  const [userSignature, signature] = [text(SIGNATURE), text(SIGNATURE)];
  const [locator, userId, id] = [text(LOCATOR), text(KEY), text(ID)];
  if (appointmentId(locator as Locator, userId as UserId) !== id) return WRONG_ID;
  const startBlock = record.readUInt32BE(2);
  const message = receiptOf(record[1] === 0 ? 'python' : 'rust', userSignature, startBlock);
  return message && signerIs(message, signature, towerId, curve) ? RIGHT : WRONG_SIGNATURE;
}

/** Undefined where the user's signature is none: no receipt can be of it. */
function receiptOf(dialect: Dialect, userSignature: string, startBlock: number): Uint8Array | undefined {
  try {
    return appointmentReceipt(dialect, { userSignature, startBlock });
  } catch {
    return undefined;
  }
}

function checkMessage(record: Buffer, curve?: Secp256k1): number {
  const signature = record.toString('latin1', 1, 1 + SIGNATURE);
  const signer = record.toString('latin1', 1 + SIGNATURE, 1 + SIGNATURE + KEY);
  return signerIs(record.subarray(MESSAGE_BYTES), signature, signer as UserId, curve) ? RIGHT : WRONG_SIGNATURE;
}
