import { createHash } from 'node:crypto';
import { hashes, recoverPublicKey } from '@noble/secp256k1';
import type { AppointmentReceipt, RegistrationReceipt } from './evidence.js';

/** Receipts' signatures, and what ids are made of: written again from the protocol, and checked with noble alone. */

hashes.sha256 = (message) => new Uint8Array(createHash('sha256').update(message).digest());

const ALPHABET = 'ybndrfg8ejkmcpqxot1uwisza345h769';

function zbase32(text: string): Buffer {
  let bits = '';
  for (const char of text.toLowerCase()) bits += ALPHABET.indexOf(char).toString(2).padStart(5, '0');
  return Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}

/** The public key whose secret signed a message, as hex; `undefined` if nobody's did. */
function signer(message: Uint8Array, signature: string): string | undefined {
  const record = zbase32(signature);
  const once = createHash('sha256').update('Lightning Signed Message:').update(message).digest();
  const digest = createHash('sha256').update(once).digest();
  try {
    const recoverable = Buffer.concat([Buffer.of((record[0] ?? 0) - 31), record.subarray(1)]);
    return Buffer.from(recoverPublicKey(recoverable, digest, { prehash: false })).toString('hex');
  } catch {
    return undefined;
  }
}

function u32(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [i, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * i);
  return bytes;
}

export function signedAppointment(
  towerId: string,
  { dialect, userSignature, startBlock, signature }: AppointmentReceipt,
) {
  const user = dialect === 'python' ? zbase32(userSignature) : Buffer.from(userSignature, 'ascii');
  return signer(Buffer.concat([user, u32(startBlock)]), signature) === towerId;
}

export function signedRegistration(towerId: string, receipt: RegistrationReceipt): boolean {
  const { dialect, userId, slots, start, expiry, signature } = receipt;
  const numbers = dialect === 'python' ? u32(slots, expiry) : u32(slots, start, expiry);
  return signer(Buffer.concat([Buffer.from(userId, 'hex'), numbers]), signature) === towerId;
}

/** What a dialect's clients name a transaction by: the first half of its id, in display order or as it is hashed. */
export const locatorOf = (dialect: string, txid: string): string =>
  (dialect === 'python' ? txid : Buffer.from(txid, 'hex').reverse().toString('hex')).slice(0, 32);

export const appointmentIdOf = (locator: string, userId: string): string =>
  createHash('ripemd160')
    .update(Buffer.from(locator + userId, 'hex'))
    .digest('hex');

export const shardOf = (userId: string, shards: number): number =>
  createHash('sha256').update(Buffer.from(userId, 'hex')).digest().readUInt32BE(0) % shards;

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What a user asked to be deleted, and what the tower answered, as the log has it. */
export interface Deletion {
  readonly locator: string;
  readonly receipt: string | null;
  readonly userSignature: string;
}

export function signedDeletion(userId: string, { locator, receipt, userSignature }: Deletion): boolean {
  const text = `Delete appointment ${locator}${receipt === null ? '' : ` ${receipt}`}`;
  return signer(Buffer.from(text, 'ascii'), userSignature) === userId;
}

/** That one identity of the tower is followed by another, as the log has it. */
export interface Succession {
  readonly from: string;
  readonly to: string;
  readonly oldSignature: string;
  readonly newSignature: string;
}

export function signedSuccession({ from, to, oldSignature, newSignature }: Succession): boolean {
  const message = Buffer.from(`argus: tower ${from} is succeeded by tower ${to}`, 'ascii');
  return signer(message, oldSignature) === from && signer(message, newSignature) === to;
}
