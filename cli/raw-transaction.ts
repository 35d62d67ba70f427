import { Transaction } from 'bitcoinjs-lib';
import { fromHex } from '../events/bytes.js';
import { InputError } from './input.js';

/** The bytes of a transaction that is given as hex. Throws `InputError` if it is none. */
export function readTransaction(text: string): Uint8Array {
  try {
    const bytes = fromHex(text.trim().toLowerCase());
    Transaction.fromBuffer(bytes);
    return bytes;
  } catch (cause) {
    throw new InputError('the file does not hold a raw transaction as hex', { cause });
  }
}
