import { opcodes, payments, script, type Transaction } from 'bitcoinjs-lib';
import { reversed, sha256, toHex } from '../bytes.js';
import { secp256k1 } from '../signing/secp256k1.js';

/**
 * What can be said without a bitcoind of how a transaction spends outputs of a commitment: the signatures of the two kinds of
 * output that every revoked commitment has (BOLT 3: to_local, and to a key's hash). Other scripts are for bitcoind to run.
 */

export interface Spent {
  /** Which input spends it, and which output that is. */
  readonly input: number;
  readonly vout: number;
}

/** The outputs of a commitment that a transaction spends. */
export function spentOf(transaction: Transaction, commitment: Transaction): Spent[] {
  const txid = toHex(commitment.getHash());
  return transaction.ins.flatMap(({ hash, index }, input) =>
    toHex(hash) === txid && index < commitment.outs.length ? [{ input, vout: index }] : [],
  );
}

/** How an input takes an output. `unknown`: by a script that is not one of the two. */
export type Taking = 'with the revocation key' | 'after the delay' | 'with a key' | 'unknown' | 'not validly';

export function takingOf(transaction: Transaction, { input, vout }: Spent, commitment: Transaction): Taking {
  const output = commitment.outs[vout];
  const witness = transaction.ins[input]?.witness ?? [];
  const last = witness.at(-1);
  if (!output) return 'unknown';
  const isVersion0 = output.script[0] === 0 && [22, 34].includes(output.script.length);
  if (!isVersion0) return 'unknown';
  if (!last) return 'not validly';
  const signedBy = (key: Uint8Array, code: Uint8Array, signature = witness[0]) =>
    isSigned(transaction, input, code, output.value, key, signature);
  if (output.script.length === 22) {
    if (witness.length !== 2 || !secp256k1.isValidPublicKey(last)) return 'not validly';
    const { output: wanted = last } = payments.p2wpkh({ pubkey: last });
    const { output: code = last } = payments.p2pkh({ pubkey: last });
    return toHex(wanted) === toHex(output.script) && signedBy(last, code) ? 'with a key' : 'not validly';
  }
  if (toHex(sha256(last)) !== toHex(output.script.subarray(2))) return 'not validly';
  const keys = keysOfToLocal(last);
  if (!keys || witness.length !== 3) return 'unknown';
  const isRevoked = toHex(witness[1] ?? new Uint8Array()) === '01';
  const isDelayed = witness[1]?.length === 0;
  if (!isRevoked && !isDelayed) return 'unknown';
  if (!signedBy(isRevoked ? keys.revocation : keys.delayed, last)) return 'not validly';
  return isRevoked ? 'with the revocation key' : 'after the delay';
}

/** The keys of a to_local output's script: `OP_IF <revocation> OP_ELSE <delay> CSV DROP <delayed> OP_ENDIF CHECKSIG`. */
function keysOfToLocal(code: Uint8Array): { revocation: Uint8Array; delayed: Uint8Array } | undefined {
  const parts = script.decompile(code);
  if (parts?.length !== 9) return undefined;
  const [opIf, revocation, opElse, , csv, drop, delayed, opEndif, checksig] = parts;
  const isRight =
    opIf === opcodes.OP_IF &&
    opElse === opcodes.OP_ELSE &&
    csv === opcodes.OP_CHECKSEQUENCEVERIFY &&
    drop === opcodes.OP_DROP &&
    opEndif === opcodes.OP_ENDIF &&
    checksig === opcodes.OP_CHECKSIG;
  return isRight && revocation instanceof Uint8Array && delayed instanceof Uint8Array
    ? { revocation, delayed }
    : undefined;
}

function isSigned(
  transaction: Transaction,
  input: number,
  code: Uint8Array,
  value: bigint,
  key: Uint8Array,
  signature: Uint8Array | undefined,
): boolean {
  try {
    const { signature: bytes, hashType } = script.signature.decode(signature ?? new Uint8Array());
    const digest = transaction.hashForWitnessV0(input, code, value, hashType);
    const wanted = toHex(key);
    return [0, 1, 2, 3].some((id) => {
      const found = secp256k1.recover(digest, bytes, id);
      return found !== undefined && toHex(found) === wanted;
    });
  } catch {
    return false;
  }
}

/** Whether a transaction pays out more than it takes in, where all of that is from the commitment. */
export function createsMoney(transaction: Transaction, spent: readonly Spent[], commitment: Transaction): boolean {
  if (spent.length < transaction.ins.length) return false;
  const taken = spent.reduce((sum, { vout }) => sum + (commitment.outs[vout]?.value ?? 0n), 0n);
  return transaction.outs.reduce((sum, { value }) => sum + value, 0n) > taken;
}

/**
 * Until when a transaction that spends outputs of a block at a height cannot be mined, by its own locks in blocks (BIP 65, BIP
 * 68): in the block at this height it can. Undefined for one that is locked until a time.
 */
export function unlockedAt({ ins, locktime, version }: Transaction, height: number): number | undefined {
  const isLocked = locktime > 0 && ins.some(({ sequence }) => sequence !== FINAL);
  const relative = version < 2 ? [] : ins.map(({ sequence }) => sequence).filter((sequence) => sequence < DISABLED);
  if ((isLocked && locktime >= FIRST_TIME) || relative.some((sequence) => (sequence & IN_TIME) !== 0)) return undefined;
  const waits = relative.map((sequence) => height + (sequence & 0xffff));
  return Math.max(height, isLocked ? locktime + 1 : 0, ...waits);
}

const FINAL = 0xffffffff;
const DISABLED = 0x80000000;
const IN_TIME = 1 << 22;
/** From here on a lock time is in seconds. */
const FIRST_TIME = 500_000_000;

/** A transaction's id in display order. */
export const txidOf = (transaction: Transaction): string => toHex(reversed(transaction.getHash()));
