import { Block, opcodes, script, Transaction } from 'bitcoinjs-lib';
import { z } from 'zod';
import { concat, fromHex, reversed } from '../../events/bytes.js';
import { BlockHash, Height } from '../../events/ids.js';

/** What `getblocktemplate` says of the next block, as far as a proposal of it needs that (BIP 22). */
export const BlockTemplate = z.object({
  version: z.number(),
  previousblockhash: BlockHash,
  curtime: z.number(),
  bits: z.string(),
  height: Height,
});
export type BlockTemplate = z.infer<typeof BlockTemplate>;

/**
 * The hex of a next block that holds just these transactions (raw hex, a parent before its child) and has no proof of
 * work. bitcoind judges such a proposal (BIP 23) by the rules of consensus alone, without storing or relaying anything.
 */
export function blockProposal(template: BlockTemplate, transactions: readonly string[]): string {
  const coinbase = new Transaction();
  coinbase.version = 2;
  const height = script.compile([script.number.encode(template.height), opcodes.OP_0 as number]); // BIP 34
  coinbase.addInput(new Uint8Array(32), 0xffffffff, 0xffffffff, height);
  coinbase.setWitness(0, [new Uint8Array(32)]);
  const all = [coinbase, ...transactions.map((hex) => Transaction.fromHex(hex))];
  const commitment = concat(WITNESS_COMMITMENT, Block.calculateMerkleRoot(all, true));
  coinbase.addOutput(script.compile([opcodes.OP_RETURN as number, commitment]), 0n);

  const block = new Block();
  block.version = template.version;
  block.prevHash = reversed(fromHex(template.previousblockhash));
  block.timestamp = template.curtime;
  block.bits = Number.parseInt(template.bits, 16);
  block.transactions = all;
  block.merkleRoot = Block.calculateMerkleRoot(all);
  return block.toHex();
}

/** BIP 141, commitment structure: what the commitment to the witnesses begins with. */
const WITNESS_COMMITMENT = Uint8Array.of(0xaa, 0x21, 0xa9, 0xed);
