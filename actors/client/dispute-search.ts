import { Block } from 'bitcoinjs-lib';
import { z } from 'zod';
import { fromHex, reversed, toHex } from '../../events/bytes.js';
import { BlockHash, type Locator, Txid } from '../../events/ids.js';
import { spentOf, type Taking, takingOf, txidOf } from '../../events/proofs/penalty-inputs.js';
import type { Breach } from '../../events/proofs/verify-breach.js';
import { schemeOf } from '../../events/schemes/schemes.js';
import type { Dialect } from '../../events/signing/receipts.js';
import type { BitcoindRpc } from '../bitcoind/rpc.js';

/** Finds in the blocks of a bitcoind, which has no index of either, a dispute and what took its outputs. */

type Rpc = Pick<BitcoindRpc, 'call' | 'callMany'>;

/** A bitcoind says something that is not to be expected, or the chain has not what is looked for; the message is for people. */
export class ChainError extends Error {
  readonly code = 'chain';
}

export interface Place {
  readonly height: number;
  readonly hash: BlockHash;
}

/** Blocks that are asked for at once. */
const AT_ONCE = 50;
const ListedBlock = z.object({ tx: z.array(Txid) });

/** The best chain's blocks from a height to another, some at a time. */
async function* blocks(rpc: Rpc, from: number, to: number): AsyncGenerator<Place[]> {
  for (let at = from; at <= to; at += AT_ONCE) {
    const heights = Array.from({ length: Math.min(AT_ONCE, to - at + 1) }, (_, n) => at + n);
    const hashes = await rpc.callMany(
      'getblockhash',
      heights.map((height) => [height]),
    );
    yield heights.map((height, n) => ({ height, hash: BlockHash.parse(hashes[n]) }));
  }
}

/** The transaction that a locator names and its block, from a height on. Rejects with `ChainError` if there is none. */
export async function findDispute(
  rpc: Rpc,
  { locator, dialect }: { readonly locator: Locator; readonly dialect: Dialect },
  from: number,
  to: number,
): Promise<Place & { readonly txid: Txid; readonly coinbase: Txid }> {
  const scheme = schemeOf(dialect);
  for await (const places of blocks(rpc, from, to)) {
    const listed = await rpc.callMany(
      'getblock',
      places.map(({ hash }) => [hash, 1]),
    );
    for (const [n, place] of places.entries()) {
      const { data } = ListedBlock.safeParse(listed[n]);
      if (!data) throw new ChainError(`bitcoind has not the block at height ${place.height}: it may have pruned it`);
      const txid = data.tx.find((one) => toHex(scheme.hint(reversed(fromHex(one)))) === locator);
      const [coinbase] = data.tx;
      if (txid && coinbase) return { ...place, txid, coinbase };
    }
  }
  throw new ChainError(`no block from height ${from} to ${to} holds the transaction that locator ${locator} names`);
}

/** What took an output of a dispute. */
export interface Taken extends Place {
  readonly vout: number;
  readonly txid: string;
  readonly rawTx: string;
  readonly taking: Taking;
}

type Disputed = Pick<Breach, 'dispute' | 'spent' | 'disputeTxid' | 'disputeHeight'>;

/** What took those outputs that the penalty was to take and that are spent, up to a height; oldest first. */
export async function findTakings(rpc: Rpc, breach: Disputed, to: number): Promise<Taken[]> {
  const wanted = new Set<number>();
  for (const { vout } of breach.spent)
    if ((await rpc.call('gettxout', breach.disputeTxid, vout, false)) === null) wanted.add(vout);
  const found: Taken[] = [];
  if (wanted.size === 0) return found;
  for await (const places of blocks(rpc, breach.disputeHeight, to))
    for (const place of places) {
      const raw = z.string().safeParse(await rpc.call('getblock', place.hash, 0));
      if (!raw.success) throw new ChainError(`bitcoind has not the block at height ${place.height}`);
      for (const taken of takingsIn(raw.data, place, breach, wanted)) {
        found.push(taken);
        wanted.delete(taken.vout);
      }
      if (wanted.size === 0) return found;
    }
  return found;
}

/** Looks for the dispute's id before it parses, since blocks are large. */
function takingsIn(rawBlock: string, place: Place, { dispute }: Disputed, wanted: ReadonlySet<number>): Taken[] {
  if (!rawBlock.includes(toHex(dispute.getHash()))) return [];
  return (Block.fromHex(rawBlock).transactions ?? []).flatMap((transaction) =>
    spentOf(transaction, dispute)
      .filter(({ vout }) => wanted.has(vout))
      .map((spent) => ({
        ...place,
        vout: spent.vout,
        txid: txidOf(transaction),
        rawTx: transaction.toHex(),
        taking: takingOf(transaction, spent, dispute),
      })),
  );
}
