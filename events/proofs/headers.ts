import { fromHex, reversed, sha256, toHex } from '../bytes.js';
import type { BlockHash } from '../ids.js';

/** Block headers as they are on the wire: 80 bytes each, linked by hashes, each with its own proof of work. Pure. */

export interface Header {
  readonly hash: BlockHash;
  readonly prevHash: string;
  /** 32 bytes, internal order. */
  readonly merkleRoot: Uint8Array;
  /** The hash has to be no more than this number. */
  readonly target: bigint;
}

/** The largest target that the rules of each network allow. */
const MOST_TARGET = {
  mainnet: targetOf(0x1d00ffff),
  testnet: targetOf(0x1d00ffff),
  testnet4: targetOf(0x1d00ffff),
  signet: targetOf(0x1e0377ae),
  regtest: targetOf(0x207fffff),
} as const;

export const POW_NETWORKS = ['mainnet', 'testnet', 'testnet4', 'signet', 'regtest'] as const;
export type PowNetwork = (typeof POW_NETWORKS)[number];

const BYTES = 80;

/** The header in 80 bytes, of which nothing is checked. Throws a `RangeError` on another length. */
export function parseHeader(bytes: Uint8Array): Header {
  if (bytes.length !== BYTES) throw new RangeError(`a header has ${BYTES} bytes, not ${bytes.length}`);
  const bits = new DataView(bytes.buffer, bytes.byteOffset).getUint32(72, true);
  return {
    hash: toHex(reversed(sha256(sha256(bytes)))) as BlockHash,
    prevHash: toHex(reversed(bytes.subarray(4, 36))),
    merkleRoot: bytes.slice(36, 68),
    target: targetOf(bits),
  };
}

/** What is wrong with a row of headers, given as hex, as a piece of a network's chain; undefined if nothing is. */
export function wrongWithHeaders(headers: readonly string[], network: PowNetwork): string | undefined {
  let before: Header | undefined;
  for (const [n, hex] of headers.entries()) {
    const header = parseHeader(fromHex(hex));
    if (before && header.prevHash !== before.hash) return `header ${n} does not follow the one before it`;
    if (header.target <= 0n || header.target > MOST_TARGET[network])
      return `header ${n} asks for less work than ${network} allows`;
    if (BigInt(`0x${header.hash}`) > header.target) return `header ${n} has no proof of work`;
    before = header;
  }
  return undefined;
}

/** The work in a row of headers, as the exponent of 2 of the hashes that it takes. */
export function workOf(headers: readonly string[]): number {
  const work = headers.reduce((sum, hex) => sum + (1n << 256n) / (parseHeader(fromHex(hex)).target + 1n), 0n);
  return Math.round(10 * Math.log2(Number(work))) / 10;
}

/** The number that four bytes of a header stand for; 0 where it would be negative. */
function targetOf(bits: number): bigint {
  if (bits & 0x800000) return 0n;
  const [size, digits] = [bits >>> 24, BigInt(bits & 0x7fffff)];
  return size > 3 ? digits << BigInt(8 * (size - 3)) : digits >> BigInt(8 * (3 - size));
}
