import { z } from 'zod';
import type { BlockConnected } from '../../events/chain.js';
import { BlockHash, Height } from '../../events/ids.js';
import { BitcoindRefused, BitcoindUnreachable, understood } from '../bitcoind/rpc-errors.js';

/** JSON-RPC calls to bitcoind; they reject with the classes of `rpc-errors.ts`. */
export interface Rpc {
  call(method: string, ...params: unknown[]): Promise<unknown>;
  /** Many calls of one method at once; one that is refused gives its `BitcoindRefused`. */
  callMany(method: string, calls: readonly (readonly unknown[])[]): Promise<unknown[]>;
}

/** A block as the ChainMonitor publishes it. */
export interface Block {
  readonly connected: BlockConnected;
  /** 32 bytes each, internal order, in the block's order; undefined if bitcoind has the header alone, such as after pruning. */
  readonly txidsInternal: Uint8Array | undefined;
}

const NO_PARENT = '0'.repeat(64);

const HeaderAnswer = z.object({
  hash: BlockHash,
  height: Height,
  chainwork: z.string().regex(/^[0-9a-f]{64}$/),
  /** Absent for the genesis block alone. */
  previousblockhash: BlockHash.default(NO_PARENT as BlockHash),
  time: z.number().int().min(0),
  nTx: z.number().int().min(1),
});
/** The txids are checked as they are turned into bytes: one by one that takes longer than all else. */
const BlockAnswer = HeaderAnswer.extend({ tx: z.custom<string[]>((tx) => Array.isArray(tx)) });

const NetworkInfo = z.object({ version: z.number().int() });
const Peers = z.array(z.object({ id: z.number().int(), servicesnames: z.array(z.string()).default([]) }));

/** The ChainMonitor's face of bitcoind: tips, hashes, blocks. Every method rejects while bitcoind is away. */
export class BlockSource {
  constructor(private readonly rpc: Rpc) {}

  /** The hash of the genesis block, by which a network is known. */
  async genesis(): Promise<BlockHash> {
    return this.#ask(BlockHash, 'getblockhash', 0);
  }

  /** bitcoind's version as one number: 29.1.0 is 290100. */
  async version(): Promise<number> {
    return (await this.#ask(NetworkInfo, 'getnetworkinfo')).version;
  }

  /** For how many seconds bitcoind has been running. */
  async uptime(): Promise<number> {
    return this.#ask(z.number(), 'uptime');
  }

  async bestHash(): Promise<BlockHash> {
    return this.#ask(BlockHash, 'getbestblockhash');
  }

  /** The hashes at some heights of bitcoind's own best chain. Rejects with `BitcoindRefused` if it is not that high (now). */
  async hashesAt(heights: readonly number[]): Promise<BlockHash[]> {
    const answers = await this.rpc.callMany(
      'getblockhash',
      heights.map((height) => [height]),
    );
    return answers.map((answer) => {
      const hash = orThrow(answer);
      return understood('getblockhash', () => BlockHash.parse(hash));
    });
  }

  async block(hash: BlockHash): Promise<Block> {
    const [block] = await this.blocks([hash]);
    if (!block) throw new BitcoindUnreachable('getblock: no answer');
    return block;
  }

  /** Blocks by their hashes, in that order. Rejects with `BitcoindRefused` if bitcoind knows nothing of one of them. */
  async blocks(hashes: readonly BlockHash[]): Promise<Block[]> {
    const answers = await this.rpc.callMany(
      'getblock',
      hashes.map((hash) => [hash, 1]),
    );
    return Promise.all(hashes.map((hash, i) => this.#blockOf(hash, answers[i])));
  }

  async #blockOf(hash: BlockHash, answer: unknown): Promise<Block> {
    if (!(answer instanceof BitcoindRefused && answer.rpcCode === NO_DATA)) {
      const block = orThrow(answer);
      return understood('getblock', () => blockOf(hash, block));
    }
    const header = await this.rpc.call('getblockheader', hash, true);
    return {
      connected: understood('getblockheader', () => connectedOf(hash, HeaderAnswer.parse(header))),
      txidsInternal: undefined,
    };
  }

  /** The peers that keep all blocks, and so may have one that bitcoind has not. */
  async archivePeers(): Promise<number[]> {
    const peers = await this.#ask(Peers, 'getpeerinfo');
    return peers.filter(({ servicesnames }) => servicesnames.includes('NETWORK')).map(({ id }) => id);
  }

  /** Has bitcoind ask a peer for a block; whether it did. The block comes later, if at all. */
  async askPeer(hash: BlockHash, peer: number): Promise<boolean> {
    try {
      await this.rpc.call('getblockfrompeer', hash, peer);
      return true;
    } catch (error) {
      if (error instanceof BitcoindRefused) return false;
      throw error;
    }
  }

  /** An answer of a shape. */
  async #ask<S extends z.ZodType>(shape: S, method: string, ...params: unknown[]): Promise<z.infer<S>> {
    const answer = await this.rpc.call(method, ...params);
    return understood(method, () => shape.parse(answer));
  }
}

/** RPC_MISC_ERROR: what `getblock` answers for a block whose header alone it has. */
const NO_DATA = -1;

function orThrow(answer: unknown): unknown {
  if (answer instanceof Error) throw answer;
  return answer;
}

function connectedOf(hash: BlockHash, header: z.infer<typeof HeaderAnswer>): BlockConnected {
  if (header.hash !== hash) throw new TypeError(`asked for block ${hash}, bitcoind gave ${header.hash}`);
  const { previousblockhash: prevHash, nTx: txCount, ...rest } = header;
  return { type: 'BlockConnected', ...rest, prevHash, txCount };
}

function blockOf(hash: BlockHash, answer: unknown): Block {
  const { tx, ...header } = BlockAnswer.parse(answer);
  if (tx.length !== header.nTx)
    throw new TypeError(`a block of ${header.nTx} transactions, of which bitcoind gave ${tx.length}`);
  return { connected: connectedOf(hash, header), txidsInternal: internalTxids(tx) };
}

/**
 * The bytes of txids in display order, each turned around. Throws a `TypeError` if one is not 64 hex digits.
 *
 * Blocks are rare, so code of ours that goes through one would hardly ever have been compiled: nothing but the check does, and
 * all else is the engine's own. All bytes are turned around at once, hence the ids are put the other way round before.
 */
export function internalTxids(txids: readonly string[]): Uint8Array {
  const isOfLength = txids.every((txid) => typeof txid === 'string' && txid.length === 64);
  const bytes = Buffer.from(isOfLength ? txids.toReversed().join('') : '', 'hex');
  // Reading hex ends at the first character that is none.
  if (bytes.length !== 32 * txids.length) throw new TypeError('bitcoind gave a txid that is not 32 bytes of hex');
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length).reverse();
}
