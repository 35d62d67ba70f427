import { reversed, sha256, toHex } from '../../events/bytes.js';
import type { ChainWitness, WitnessedHeader } from './chain-witness.js';

/** Headers of a chain, 80 bytes each, that somebody has in a file: checked for their work, and kept if anybody asks for them. */

const HEADER_BYTES = 80;

/** What is to be headers and is none. */
export class HeaderError extends Error {
  readonly code = 'headers';
}

/** `wanted`: the hashes that will be asked for, since a file has them all. Rejects with `HeaderError`. */
export async function headerWitness(
  chunks: AsyncIterable<Uint8Array>,
  wanted: (hash: string) => boolean,
): Promise<ChainWitness> {
  const known = new Map<string, WitnessedHeader>();
  /** The height and the work of the block before, where the file begins with the first of all. */
  let before: { readonly hash: string; readonly height: number; readonly work: bigint } | undefined;
  let rest: Uint8Array = new Uint8Array();
  let count = 0;
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (; at + HEADER_BYTES <= bytes.length; at += HEADER_BYTES) {
      const header = Buffer.from(bytes.subarray(at, at + HEADER_BYTES));
      const hash = toHex(reversed(sha256(sha256(header))));
      const target = targetOf(header.readUInt32LE(72));
      if (target <= 0n || BigInt(`0x${hash}`) > target)
        throw new HeaderError(
          `header ${count} has less work than it says: this is no file of headers of 80 bytes each`,
        );
      const work = 2n ** 256n / (target + 1n);
      const prevHash = toHex(reversed(header.subarray(4, 36)));
      const isFirst = count === 0 && /^0+$/.test(prevHash);
      if (isFirst) before = { hash, height: 0, work };
      else if (before?.hash === prevHash) before = { hash, height: before.height + 1, work: before.work + work };
      else before = undefined;
      count++;
      if (!wanted(hash)) continue;
      const chainwork = before?.work.toString(16).padStart(64, '0');
      const time = header.readUInt32LE(68);
      known.set(hash, { prevHash, time, work, height: before?.height, chainwork, txCount: undefined });
    }
    rest = Buffer.from(bytes.subarray(at));
  }
  if (rest.length > 0 || count === 0) throw new HeaderError('this is no file of headers of 80 bytes each');
  return { height: undefined, headers: async (hashes) => hashes.map((hash) => known.get(hash)) };
}

/** What a header's hash may be at the most, as its four bytes say it (nBits). */
function targetOf(bits: number): bigint {
  const mantissa = BigInt(bits & 0x7fffff);
  const exponent = bits >>> 24;
  return exponent <= 3 ? mantissa >> BigInt(8 * (3 - exponent)) : mantissa << BigInt(8 * (exponent - 3));
}
