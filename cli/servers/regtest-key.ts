import { createHash, randomBytes } from 'node:crypto';
import { crypto, payments, script, Transaction } from 'bitcoinjs-lib';
import secp256k1 from 'secp256k1';

/** A key of a play channel: its compressed public key and what it signs. Never for real money: it is not kept safe. */
export interface RegtestKey {
  /** 33 bytes. */
  readonly publicKey: Uint8Array;
  /** Its P2WPKH output script (BIP 141). */
  readonly p2wpkh: Uint8Array;
  /** The DER signature of a 32-byte digest, with the byte that says SIGHASH_ALL. */
  sign(digest: Uint8Array): Uint8Array;
}

/** A random key, or always the same one for the same `seed`. */
export function regtestKey(seed?: string): RegtestKey {
  const secret = seed === undefined ? randomBytes(32) : createHash('sha256').update(seed).digest();
  const publicKey = secp256k1.publicKeyCreate(secret);
  return {
    publicKey,
    p2wpkh: outputOf(payments.p2wpkh({ pubkey: publicKey })),
    sign: (digest) => script.signature.encode(secp256k1.ecdsaSign(digest, secret).signature, Transaction.SIGHASH_ALL),
  };
}

/** The output script of a payment. */
export function outputOf(payment: payments.Payment): Uint8Array {
  if (!payment.output) throw new TypeError('a payment without an output script');
  return payment.output;
}

/** Signs input `index`, which spends a P2WPKH output of `key` that holds `sat` (BIP 143). */
export function signP2wpkh(tx: Transaction, index: number, key: RegtestKey, sat: bigint): void {
  const code = outputOf(payments.p2pkh({ hash: crypto.hash160(key.publicKey) }));
  const digest = tx.hashForWitnessV0(index, code, sat, Transaction.SIGHASH_ALL);
  tx.setWitness(index, [key.sign(digest), key.publicKey]);
}
