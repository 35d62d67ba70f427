import { toHex } from '../../events/bytes.js';
import type { AppointmentId, Height, Locator, TowerId, UserId } from '../../events/ids.js';
import { type Appointment, appointmentId } from '../../events/signing/appointment.js';
import type { Secp256k1 } from '../../events/signing/curve.js';
import { messageDigest } from '../../events/signing/message.js';
import { appointmentReceipt, type Dialect } from '../../events/signing/receipts.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { decodeZbase32Into } from '../../events/signing/zbase32.js';

/**
 * Signatures to be checked, as they travel to another thread: records one behind the other. What a record says is text in
 * ASCII and numbers of four bytes, so that next to nothing is done to put it there.
 *
 *   acceptance   1 || dialect (1) || start block (4) || user's signature (104) || receipt's (104) || locator (32) || user (66)
 *                  || appointment (40)
 *   acceptance by   3 || the same || tower (66): an identity that is not the first
 *   message      2 || signature (104) || signer (66) || length (4) || message
 */

const [ACCEPTANCE, MESSAGE, ACCEPTANCE_BY] = [1, 2, 3];
/** What the first byte of a signature's record begins with (`events/signing/message.ts`). */
const FIRST_HEADER = 31;
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

/** What comes back of a batch: its results, and its memory for another one. */
export interface CheckedBatch {
  readonly results: Uint8Array<ArrayBuffer>;
  readonly memory: ArrayBuffer;
}

/** How much memory a batch begins with: enough for some hundred records. */
export const BATCH_BYTES = 1 << 17;

/** Records, until there are enough for a thread. */
export class SignatureBatch {
  #bytes: Buffer<ArrayBuffer>;
  #used = 0;
  #count = 0;

  /** In memory that nobody else has, such as that of a batch that came back. */
  constructor(memory: ArrayBuffer = new ArrayBuffer(BATCH_BYTES)) {
    this.#bytes = Buffer.from(memory);
  }

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

  /** The same of a user that another identity than the first signs for. */
  acceptanceBy(identity: TowerId, about: SignedAcceptance): void {
    const at = this.#used;
    this.acceptance(about);
    this.#room(KEY);
    this.#count--;
    this.#bytes[at] = ACCEPTANCE_BY;
    this.#bytes.write(identity, at + ACCEPTANCE_BYTES, KEY, 'latin1');
  }

  message(message: Uint8Array, signature: string, signer: UserId | TowerId): void {
    this.#bytes.set(message, this.#signed(message.length, signature, signer));
  }

  /** What a user signs of an appointment; see `serializeAppointment`. */
  appointment({ locator, encryptedBlob, toSelfDelay }: Appointment, signature: string, signer: UserId): void {
    let at = this.#signed(20 + encryptedBlob.length, signature, signer);
    at += this.#bytes.write(locator, at, 16, 'hex');
    this.#bytes.set(encryptedBlob, at);
    this.#bytes.writeUInt32BE(toSelfDelay, at + encryptedBlob.length);
  }

  /** The bytes, whose memory is somebody else's from now on. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#used);
  }

  /** Where the message of a record goes. */
  #signed(length: number, signature: string, signer: string): number {
    let at = this.#room(MESSAGE_BYTES + length);
    const bytes = this.#bytes;
    bytes[at++] = MESSAGE;
    at += bytes.write(signature, at, SIGNATURE, 'latin1');
    at += bytes.write(signer, at, KEY, 'latin1');
    return bytes.writeUInt32BE(length, at);
  }

  #room(size: number): number {
    const at = this.#used;
    if (at + size > this.#bytes.length) {
      const larger = Buffer.from(new ArrayBuffer(2 * (at + size)));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    this.#used += size;
    this.#count++;
    return at;
  }
}

/** What came of each record of a batch; `towerId` is who signs receipts, but for those that say by whom they are. */
export function checkBatch(bytes: Uint8Array, towerId: TowerId, curve: Secp256k1 = secp256k1): Uint8Array<ArrayBuffer> {
  const batch = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const results: number[] = [];
  for (let at = 0; at < batch.length; ) {
    const record = batch.subarray(at, at + sizeAt(batch, at));
    results.push(batch[at] === MESSAGE ? checkMessage(record, curve) : checkAcceptance(record, towerId, curve));
    at += record.length;
  }
  return Uint8Array.from(results);
}

function sizeAt(batch: Buffer, at: number): number {
  switch (batch[at]) {
    case ACCEPTANCE:
      return ACCEPTANCE_BYTES;
    case ACCEPTANCE_BY:
      return ACCEPTANCE_BYTES + KEY;
    default:
      return MESSAGE_BYTES + batch.readUInt32BE(at + 1 + SIGNATURE + KEY);
  }
}

function checkAcceptance(record: Buffer, first: TowerId, curve: Secp256k1): number {
  let at = 6;
  const text = (length: number) => {
    at += length;
    return record.toString('latin1', at - length, at);
  };
  const [userSignature, signature] = [text(SIGNATURE), text(SIGNATURE)];
  if (appointmentId(text(LOCATOR) as Locator, text(KEY) as UserId) !== text(ID)) return WRONG_ID;
  const message = receiptOf(record[1] === 0 ? 'python' : 'rust', userSignature, record.readUInt32BE(2));
  const signer = record[0] === ACCEPTANCE ? first : text(KEY);
  return message && isBy(message, signature, signer, curve) ? RIGHT : WRONG_SIGNATURE;
}

/** Undefined where the user's signature is none: no receipt can be of it. */
function receiptOf(dialect: Dialect, userSignature: string, startBlock: number): Uint8Array | undefined {
  try {
    return appointmentReceipt(dialect, { userSignature, startBlock });
  } catch {
    return undefined;
  }
}

function checkMessage(record: Buffer, curve: Secp256k1): number {
  const signature = record.toString('latin1', 1, 1 + SIGNATURE);
  const signer = record.toString('latin1', 1 + SIGNATURE, 1 + SIGNATURE + KEY);
  return isBy(record.subarray(MESSAGE_BYTES), signature, signer, curve) ? RIGHT : WRONG_SIGNATURE;
}

/** Where a signature and what it is of are put: to make memory for each takes a tenth of the time that all of it takes. */
const recordDesk = new Uint8Array(new ArrayBuffer(65));
const signatureDesk = recordDesk.subarray(1);
const digestDesk = new Uint8Array(new ArrayBuffer(32));

/** As `signerIs` says it. */
function isBy(message: Uint8Array, signature: string, signer: string, curve: Secp256k1): boolean {
  if (!decodeZbase32Into(signature, recordDesk)) return false;
  const recoveryId = (recordDesk[0] ?? 0) - FIRST_HEADER;
  const key = curve.recover(messageDigest(message, digestDesk), signatureDesk, recoveryId);
  return key !== undefined && toHex(key) === signer;
}
