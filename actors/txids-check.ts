import { z } from 'zod';
import { fromHex, reversed } from '../events/bytes.js';
import { BlockHash, Txid } from '../events/ids.js';
import { merkleRoot } from '../events/proofs/block-root.js';
import { inTime } from './runtime/in-time.js';

const Header = z.object({ hash: BlockHash, merkleroot: Txid, nTx: z.number().int().min(1) });
/** How long bitcoind may take, in ms: a block does not wait for it. */
const PATIENCE_MS = 1_000;

/**
 * Whether some txids (32 bytes each, internal order) are those of a block, by its header as bitcoind has it; undefined where
 * bitcoind cannot tell now: it is away, or has not heard of the block yet. Never rejects.
 */
export async function areOfBlock(
  rpc: { call(method: string, ...params: unknown[]): Promise<unknown> },
  hash: BlockHash,
  txidsInternal: Uint8Array,
): Promise<boolean | undefined> {
  if (txidsInternal.length === 0 || txidsInternal.length % 32 !== 0) return false;
  const { data } = Header.safeParse(await inTime(rpc.call('getblockheader', hash, true), PATIENCE_MS));
  if (data?.hash !== hash) return undefined;
  const root = reversed(fromHex(data.merkleroot));
  return txidsInternal.length === 32 * data.nTx && Buffer.compare(merkleRoot(txidsInternal), root) === 0;
}
