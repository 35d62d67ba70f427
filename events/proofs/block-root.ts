import { hash } from 'node:crypto';

/**
 * The root of a block's Merkle tree, as its header has it: 32 bytes, internal order. `txidsInternal`: the ids of all its
 * transactions in the block's order, 32 bytes each; at least one. A list whose end is repeated has the same root
 * (CVE-2012-2459): who wants to know whether it is that block's has to count them, too.
 */
export function merkleRoot(txidsInternal: Uint8Array): Uint8Array {
  let level = Buffer.from(txidsInternal);
  while (level.length > 32) {
    const isOdd = level.length % 64 !== 0;
    const above = Buffer.alloc((level.length + (isOdd ? 32 : 0)) / 2);
    for (let at = 0; at < level.length; at += 64) {
      const pair = level.subarray(at, at + 64);
      doubleSha256(pair.length === 64 ? pair : Buffer.concat([pair, pair])).copy(above, at / 2);
    }
    level = above;
  }
  return new Uint8Array(level);
}

const doubleSha256 = (bytes: Uint8Array): Buffer => hash('sha256', hash('sha256', bytes, 'buffer'), 'buffer');
