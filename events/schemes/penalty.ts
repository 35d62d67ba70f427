import { Transaction } from 'bitcoinjs-lib';
import { concat, reversed, sha256, toHex } from '../bytes.js';
import { Txid } from '../ids.js';
import type { Scheme } from './scheme.js';

/** A penalty transaction, as it came out of a blob. That its parts are well formed is all that is known of it. */
export interface Penalty {
  readonly txid: Txid;
  /** The raw transaction as hex, byte for byte what was sealed: ready to be broadcast. */
  readonly rawTx: string;
  /** The outputs it spends, in its order; at least one. */
  readonly inputs: readonly { readonly txid: Txid; readonly vout: number }[];
}

/**
 * The transaction that a blob's plaintext is, in network (witness) serialisation, or `undefined` if it is none: not
 * parsable, bytes left over, no inputs or no outputs, or spelt in a way that does not come out again when serialised.
 * Never throws: the plaintext is what a client chose to seal.
 */
export function parsePenalty(plaintext: Uint8Array): Penalty | undefined {
  try {
    const transaction = Transaction.fromBuffer(plaintext);
    if (transaction.ins.length === 0 || transaction.outs.length === 0) return undefined;
    if (Buffer.compare(transaction.toBuffer(), plaintext) !== 0) return undefined;
    return {
      txid: txidOf(transaction, plaintext),
      rawTx: toHex(plaintext),
      inputs: transaction.ins.map(({ hash, index }) => ({ txid: Txid.parse(toHex(reversed(hash))), vout: index })),
    };
  } catch {
    return undefined;
  }
}

/** As `transaction.getId()`, whose own SHA-256 takes a tenth of a millisecond until it is compiled: breaches are rare. */
function txidOf(transaction: Transaction, raw: Uint8Array): Txid {
  const txid = sha256(sha256(transaction.hasWitnesses() ? withoutWitnesses(raw, transaction.byteLength(false)) : raw));
  return Txid.parse(toHex(reversed(txid)));
}

/** A transaction's bytes without what BIP144 adds: marker and flag after the version, witnesses before the lock time. */
function withoutWitnesses(raw: Uint8Array, length: number): Uint8Array {
  const [version, lockTime] = [raw.subarray(0, 4), raw.subarray(-4)];
  return concat(version, raw.subarray(6, 6 + length - 8), lockTime);
}

/**
 * The penalty in a blob, or `undefined` if this transaction id (32 bytes, internal order) does not open it or what is
 * in it is not a transaction.
 */
export function openPenalty(scheme: Scheme, blob: Uint8Array, txidInternal: Uint8Array): Penalty | undefined {
  const plaintext = scheme.open(blob, txidInternal);
  return plaintext && parsePenalty(plaintext);
}
