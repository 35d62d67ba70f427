import type { AppointmentId, Height, Locator, TowerId, UserId } from '../../events/ids.js';
import { type Appointment, appointmentIdOf } from '../../events/signing/appointment.js';
import type { Secp256k1 } from '../../events/signing/curve.js';
import { messageDigest } from '../../events/signing/message.js';
import type { Dialect } from '../../events/signing/receipts.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { decodeZbase32At } from '../../events/signing/zbase32.js';

/**
 * Signatures to be checked, as they travel to another thread: records one behind the other. Whatever is hashed, or signed by a
 * user of the rust generation, is in one piece, so that next to nothing is done to check it but to check it.
 *
 *   acceptance   1 || dialect (1) || user's signature (104) || start block (4) || receipt's signature (104)
 *                  || locator (16) || user (33) || appointment's id in hex (40)
 *   acceptance by   3 || the same || tower (33): an identity that is not the first
 *   message      2 || signature (104) || signer (33) || length (4) || message
 */

const [ACCEPTANCE, MESSAGE, ACCEPTANCE_BY] = [1, 2, 3];
/** What the first byte of a signature's record begins with (`events/signing/message.ts`). */
const FIRST_HEADER = 31;
const SIGNATURE = 104;
const RECORD = 65;
const KEY = 33;
const LOCATOR = 16;
const ID = 40;
const RECEIPT = SIGNATURE + 4;
const ACCEPTANCE_BYTES = 2 + RECEIPT + SIGNATURE + LOCATOR + KEY + ID;
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

  /** In bytes. */
  get size(): number {
    return this.#used;
  }

  acceptance(about: SignedAcceptance): void {
    let at = this.#room(ACCEPTANCE_BYTES);
    const bytes = this.#bytes;
    bytes[at++] = ACCEPTANCE;
    bytes[at++] = about.dialect === 'python' ? 0 : 1;
    at += bytes.write(about.userSignature, at, SIGNATURE, 'latin1');
    at = bytes.writeUInt32BE(about.startBlock, at);
    at += bytes.write(about.receiptSignature, at, SIGNATURE, 'latin1');
    at += bytes.write(about.locator, at, LOCATOR, 'hex');
    at += bytes.write(about.userId, at, KEY, 'hex');
    bytes.write(about.appointmentId, at, ID, 'latin1');
  }

  /** The same of a user that another identity than the first signs for. */
  acceptanceBy(identity: TowerId, about: SignedAcceptance): void {
    const at = this.#used;
    this.acceptance(about);
    this.#room(KEY);
    this.#count--;
    this.#bytes[at] = ACCEPTANCE_BY;
    this.#bytes.write(identity, at + ACCEPTANCE_BYTES, KEY, 'hex');
  }

  message(message: Uint8Array, signature: string, signer: UserId | TowerId): void {
    const at = this.#signed(message.length, signature, signer);
    // Only now: there may be more of them.
    this.#bytes.set(message, at);
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
    at += bytes.write(signer, at, KEY, 'hex');
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
  const check = new BatchCheck(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), towerId, curve);
  return Uint8Array.from(check.results());
}

/** Where a signature and what it is of are put: to make memory for each takes a tenth of the time that all of it takes. */
const recordDesk = new Uint8Array(new ArrayBuffer(RECORD));
const signatureDesk = recordDesk.subarray(1);
const digestDesk = new Uint8Array(new ArrayBuffer(32));
/** What the tower signs for a user of the python generation: the record of the user's signature, and the start block. */
const pythonDesk = new Uint8Array(new ArrayBuffer(RECORD + 4));

class BatchCheck {
  readonly #tower: Buffer;

  constructor(
    private readonly batch: Buffer,
    towerId: TowerId,
    private readonly curve: Secp256k1,
  ) {
    this.#tower = Buffer.from(towerId, 'hex');
  }

  results(): number[] {
    const { batch } = this;
    const results: number[] = [];
    for (let at = 0; at < batch.length; ) {
      const kind = batch[at];
      if (kind === MESSAGE) {
        const length = batch.readUInt32BE(at + MESSAGE_BYTES - 4);
        results.push(this.#message(at, length));
        at += MESSAGE_BYTES + length;
      } else {
        results.push(this.#acceptance(at, kind === ACCEPTANCE_BY));
        at += ACCEPTANCE_BYTES + (kind === ACCEPTANCE_BY ? KEY : 0);
      }
    }
    return results;
  }

  #message(at: number, length: number): number {
    const from = at + MESSAGE_BYTES;
    const message = this.batch.subarray(from, from + length);
    return this.#isBy(message, at + 1, this.batch, at + 1 + SIGNATURE) ? RIGHT : WRONG_SIGNATURE;
  }

  #acceptance(at: number, isByAnother: boolean): number {
    const { batch } = this;
    const receiptAt = at + 2;
    const signatureAt = receiptAt + RECEIPT;
    const nameAt = signatureAt + SIGNATURE;
    if (!this.#isNamed(nameAt, nameAt + LOCATOR + KEY)) return WRONG_ID;
    const receipt = this.#receipt(receiptAt, batch[at + 1] === 0);
    if (!receipt) return WRONG_SIGNATURE;
    const isRight = isByAnother
      ? this.#isBy(receipt, signatureAt, batch, at + ACCEPTANCE_BYTES)
      : this.#isBy(receipt, signatureAt, this.#tower, 0);
    return isRight ? RIGHT : WRONG_SIGNATURE;
  }

  /** Whether the appointment's id is that of the locator and the user there. */
  #isNamed(nameAt: number, idAt: number): boolean {
    const { batch } = this;
    const id = appointmentIdOf(batch.subarray(nameAt, nameAt + LOCATOR + KEY));
    for (let i = 0; i < ID; i++) if (id.charCodeAt(i) !== batch[idAt + i]) return false;
    return true;
  }

  /** What `appointmentReceipt` makes; undefined where the user's signature is none: no receipt can be of it. */
  #receipt(at: number, isPython: boolean): Uint8Array | undefined {
    const { batch } = this;
    if (!decodeZbase32At(batch, at, recordDesk)) return undefined;
    if (!isPython) return batch.subarray(at, at + RECEIPT);
    pythonDesk.set(recordDesk);
    for (let i = 0; i < 4; i++) pythonDesk[RECORD + i] = batch[at + SIGNATURE + i] ?? 0;
    return pythonDesk;
  }

  /** Whether the signature whose text is there is one of the message by the key that is there, as `signerIs` says it. */
  #isBy(message: Uint8Array, signatureAt: number, keys: Buffer, keyAt: number): boolean {
    if (!decodeZbase32At(this.batch, signatureAt, recordDesk)) return false;
    const recoveryId = (recordDesk[0] ?? 0) - FIRST_HEADER;
    const key = this.curve.recover(messageDigest(message, digestDesk), signatureDesk, recoveryId);
    if (!key) return false;
    for (let i = 0; i < KEY; i++) if (key[i] !== keys[keyAt + i]) return false;
    return true;
  }
}
