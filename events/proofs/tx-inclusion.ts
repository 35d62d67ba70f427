import { Transaction } from 'bitcoinjs-lib';
import { concat, fromHex, reversed, sha256, toHex } from '../bytes.js';
import { Txid } from '../ids.js';
import { type Header, parseHeader } from './headers.js';

/**
 * That a transaction is in a block, as bitcoind's `gettxoutproof` proves it: the header, and the branches of its Merkle tree
 * (the `merkleblock` of BIP 37). Pure.
 */

export interface Inclusion {
  readonly header: Header;
  /** The transactions that the proof is of, by their number in the block. */
  readonly txids: ReadonlyMap<number, Txid>;
}

/** More than fit into any block. */
const MOST_TRANSACTIONS = 1_000_000;

/** What a proof shows; undefined for bytes that show nothing. Never throws. */
export function readInclusion(bytes: Uint8Array): Inclusion | undefined {
  try {
    return new Reader(bytes).read();
  } catch {
    return undefined;
  }
}

/** Reads from the first byte to the last, as BIP 37 has it. */
class Reader {
  #at = 0;
  #hashes: Uint8Array[] = [];
  #flags: Uint8Array = new Uint8Array();
  #usedHashes = 0;
  #usedFlags = 0;
  #count = 0;
  readonly #found = new Map<number, Txid>();

  constructor(private readonly bytes: Uint8Array) {}

  read(): Inclusion | undefined {
    const header = parseHeader(this.#take(80));
    this.#count = this.#number(4);
    if (this.#count === 0 || this.#count > MOST_TRANSACTIONS) return undefined;
    const hashes = this.#compact();
    if (hashes > this.#count) return undefined;
    this.#hashes = Array.from({ length: hashes }, () => this.#take(32));
    this.#flags = this.#take(this.#compact());
    let height = 0;
    while (this.#width(height) > 1) height++;
    const root = this.#hash(height, 0);
    const isAll = this.#at === this.bytes.length && this.#usedHashes === hashes;
    const isFlagged = Math.ceil(this.#usedFlags / 8) === this.#flags.length;
    return isAll && isFlagged && toHex(root) === toHex(header.merkleRoot) ? { header, txids: this.#found } : undefined;
  }

  /** How many nodes a level of the tree has. */
  #width(height: number): number {
    return Math.ceil(this.#count / 2 ** height);
  }

  #hash(height: number, index: number): Uint8Array {
    const isParent = this.#flag();
    if (height === 0 || !isParent) {
      const hash = this.#hashes[this.#usedHashes++];
      if (!hash) throw new RangeError('too few hashes');
      if (height === 0 && isParent) this.#found.set(index, Txid.parse(toHex(reversed(hash))));
      return hash;
    }
    const left = this.#hash(height - 1, 2 * index);
    const hasRight = 2 * index + 1 < this.#width(height - 1);
    const right = hasRight ? this.#hash(height - 1, 2 * index + 1) : left;
    // Two equal branches are how a block can be made to look as if it had other transactions (CVE-2012-2459).
    if (hasRight && toHex(left) === toHex(right)) throw new RangeError('two equal branches');
    return sha256(sha256(concat(left, right)));
  }

  #flag(): boolean {
    const byte = this.#flags[this.#usedFlags >>> 3];
    if (byte === undefined) throw new RangeError('too few flags');
    return ((byte >>> (this.#usedFlags++ & 7)) & 1) === 1;
  }

  #take(length: number): Uint8Array {
    if (this.#at + length > this.bytes.length) throw new RangeError('too few bytes');
    this.#at += length;
    return this.bytes.slice(this.#at - length, this.#at);
  }

  #number(length: number): number {
    return this.#take(length).reduceRight((sum, byte) => sum * 256 + byte, 0);
  }

  #compact(): number {
    const first = this.#number(1);
    return first < 0xfd ? first : this.#number(2 ** (first - 0xfc));
  }
}

/** A raw transaction, from hex; undefined if it is none, or of a size that an inner node of a Merkle tree could be taken for. */
export function readTransaction(rawTx: string): Transaction | undefined {
  try {
    const transaction = Transaction.fromBuffer(fromHex(rawTx));
    const isNode = transaction.byteLength(false) === NODE_BYTES;
    return isNode || transaction.toHex() !== rawTx ? undefined : transaction;
  } catch {
    return undefined;
  }
}

/** Two hashes (CVE-2017-12842). */
const NODE_BYTES = 64;

/** The height that a coinbase says its block is at (BIP 34); undefined if it says none, or is no coinbase. */
export function heightOfCoinbase(transaction: Transaction): number | undefined {
  const [input, ...more] = transaction.ins;
  if (!input || more.length > 0 || !Transaction.isCoinbaseHash(input.hash)) return undefined;
  const [length = 0] = input.script;
  if (length >= OP_1 && length <= OP_16) return length - OP_1 + 1;
  if (length < 1 || length > 4 || input.script.length <= length) return undefined;
  return input.script.subarray(1, 1 + length).reduceRight((sum, byte) => sum * 256 + byte, 0);
}

const [OP_1, OP_16] = [0x51, 0x60];
