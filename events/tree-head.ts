import { z } from 'zod';
import { fromHex, sha256, toHex, utf8 } from './bytes.js';
import { BlockHash, Height, Shard } from './ids.js';
import { parseJson } from './json.js';
import type { TreeRoot } from './proofs/merkle.js';

/**
 * A tree head: what the tower signs of a shard's log, one after another, for ever. It names the root of the Merkle tree over
 * the log's first messages, each of them a leaf as it is stored, up to the one that says that a block was evaluated.
 *
 * The bytes of a head are JSON with these fields, in this order and without spaces, so that all nodes make the same ones; as
 * those of events they are a contract for ever.
 */

const Hash = z.string().regex(/^[0-9a-f]{64}$/, 'a hash is 64 lower-case hex digits');

export const TreeHead = z
  .strictObject({
    v: z.literal(1),
    shard: Shard,
    /** How many messages of the log the tree is over. */
    treeSize: z.number().int().min(1),
    /** SHA-256, as RFC 9162 has it. */
    root: Hash,
    /** The position of the last of them: the log has no gaps, so it is the same number. */
    position: z.number().int().min(1),
    /** The block that was evaluated by then. */
    height: Height,
    blockHash: BlockHash,
    /** SHA-256 of the bytes of the head before it; null in the first of a shard. */
    previous: Hash.nullable(),
    /** The tower's, of `headMessage`. */
    signature: z.string().regex(/^[a-km-uw-z13-9]{104}$/, 'a signature is 104 characters of zbase32'),
  })
  .refine(({ treeSize, position }) => treeSize === position, 'a tree is as large as its last position');
export type TreeHead = z.infer<typeof TreeHead>;
export type UnsignedHead = Omit<TreeHead, 'signature'>;

/** What is to be a tree head and is none. */
export class DamagedHeadError extends Error {
  readonly code = 'damaged-head';
}

const fieldsOf = ({ v, shard, treeSize, root, position, height, blockHash, previous }: UnsignedHead): UnsignedHead => ({
  v,
  shard,
  treeSize,
  root,
  position,
  height,
  blockHash,
  previous,
});

/**
 * The bytes that the tower signs. No receipt, registration or request begins like them: those that the tower signs begin
 * with a key or with a user's signature.
 */
export const headMessage = (head: UnsignedHead): Uint8Array =>
  utf8(`argus tree head\n${JSON.stringify(fieldsOf(head))}`);

export const encodeHead = (head: TreeHead): Uint8Array =>
  utf8(JSON.stringify({ ...fieldsOf(TreeHead.parse(head)), signature: head.signature }));

/** The head in a message's bytes. Throws `DamagedHeadError` if they are not those of a head, to the last one. */
export function decodeHead(bytes: Uint8Array): TreeHead {
  try {
    const head = TreeHead.parse(parseJson(bytes));
    if (toHex(encodeHead(head)) === toHex(bytes)) return head;
  } catch (cause) {
    throw new DamagedHeadError('not a tree head', { cause });
  }
  throw new DamagedHeadError('a tree head that is spelt otherwise');
}

/** What the next head calls this one: SHA-256 of its bytes, hex. */
export const headHash = (head: TreeHead): string => toHex(sha256(encodeHead(head)));

export const treeOf = ({ treeSize, root }: TreeHead): TreeRoot => ({ size: treeSize, root: fromHex(root) });
