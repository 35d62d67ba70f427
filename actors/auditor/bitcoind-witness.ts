import { z } from 'zod';
import type { BitcoindRpc } from '../bitcoind/rpc.js';
import { BitcoindRefused } from '../bitcoind/rpc-errors.js';
import type { ChainWitness, WitnessedHeader } from './chain-witness.js';

const Header = z.object({
  height: z.number().int(),
  previousblockhash: z.string().default('00'.repeat(32)),
  time: z.number().int(),
  chainwork: z.string(),
  nTx: z.number().int(),
});
const Block = z.object({ tx: z.array(z.string()) });

/** What a header says of its transactions where bitcoind never had the block: nothing. */
const NO_BLOCK = 0;

/** A bitcoind, any one. Rejects as `BitcoindRpc` does. */
export const bitcoindWitness = async (rpc: Pick<BitcoindRpc, 'call' | 'callMany'>): Promise<ChainWitness> => ({
  height: z
    .number()
    .int()
    .parse(await rpc.call('getblockcount')),
  headers: async (hashes) => {
    const answers = await rpc.callMany(
      'getblockheader',
      hashes.map((hash) => [hash]),
    );
    return answers.map((answer) => (answer instanceof BitcoindRefused ? undefined : headerOf(answer)));
  },
  txids: async (hash) => {
    try {
      return new Set(Block.parse(await rpc.call('getblock', hash, 1)).tx);
    } catch (error) {
      if (error instanceof BitcoindRefused) return undefined;
      throw error;
    }
  },
});

function headerOf(answer: unknown): WitnessedHeader {
  const { height, previousblockhash: prevHash, time, chainwork, nTx } = Header.parse(answer);
  return { height, prevHash, time, chainwork, work: undefined, txCount: nTx === NO_BLOCK ? undefined : nTx };
}
