import { z } from 'zod';
import { concat, fromHex, reversed } from '../../events/bytes.js';
import type { BlockConnected } from '../../events/chain.js';
import { BlockHash, Height, Txid } from '../../events/ids.js';
import type { Header } from './decisions.js';

/** One JSON-RPC call to bitcoind; rejects with a class that carries a `code`. */
export interface Rpc {
  call(method: string, ...params: unknown[]): Promise<unknown>;
}

/** A block as the ChainMonitor publishes it. */
export interface Block {
  readonly connected: BlockConnected;
  /** 32 bytes each, internal order, in the block's order. */
  readonly txidsInternal: Uint8Array;
}

const NO_PARENT = '0'.repeat(64);

const HeaderAnswer = z.object({
  hash: BlockHash,
  height: Height,
  chainwork: z.string().regex(/^[0-9a-f]{64}$/),
  /** Absent for the genesis block alone. */
  previousblockhash: BlockHash.default(NO_PARENT as BlockHash),
});
const BlockAnswer = HeaderAnswer.extend({
  time: z.number().int(),
  tx: z.array(Txid).min(1),
});

const NetworkInfo = z.object({ version: z.number().int() });

/** The ChainMonitor's face of bitcoind: tips, headers, blocks. Every method rejects while bitcoind is away. */
export class BlockSource {
  constructor(private readonly rpc: Rpc) {}

  /** The hash of the genesis block, by which a network is known. */
  async genesis(): Promise<BlockHash> {
    return BlockHash.parse(await this.rpc.call('getblockhash', 0));
  }

  /** bitcoind's version as one number: 29.1.0 is 290100. */
  async version(): Promise<number> {
    return NetworkInfo.parse(await this.rpc.call('getnetworkinfo')).version;
  }

  async bestHash(): Promise<BlockHash> {
    return BlockHash.parse(await this.rpc.call('getbestblockhash'));
  }

  /** A header that bitcoind knows, on its best chain or not. */
  async header(hash: BlockHash): Promise<Header> {
    const { previousblockhash: prevHash, ...header } = HeaderAnswer.parse(
      await this.rpc.call('getblockheader', hash, true),
    );
    return { ...header, prevHash };
  }

  /** The header at a height of bitcoind's own best chain. */
  async headerAt(height: number): Promise<Header> {
    return this.header(BlockHash.parse(await this.rpc.call('getblockhash', height)));
  }

  async block(hash: BlockHash): Promise<Block> {
    const { previousblockhash: prevHash, tx, ...rest } = BlockAnswer.parse(await this.rpc.call('getblock', hash, 1));
    return {
      connected: { type: 'BlockConnected', ...rest, prevHash, txCount: tx.length },
      txidsInternal: concat(...tx.map((txid) => reversed(fromHex(txid)))),
    };
  }
}
