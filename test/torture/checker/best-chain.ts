import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The best chain as bitcoind tells it, over its RPC and nothing else. */
export interface BestChain {
  /** The hash at each height, from 0. */
  readonly hashes: readonly string[];
  /** The height of each transaction, by txid. */
  readonly heights: ReadonlyMap<string, number>;
  /** The txid of what spent each output, by `<txid>:<index>`. */
  readonly spenders: ReadonlyMap<string, string>;
}

export interface BitcoindAccess {
  readonly url: string;
  readonly cookieFile: string;
}

export async function readBestChain(access: BitcoindAccess): Promise<BestChain> {
  const tip = z.number().parse(await ask(access, 'getblockcount', []));
  const hashes: string[] = [];
  const heights = new Map<string, number>();
  const spenders = new Map<string, string>();
  for (let height = 0; height <= tip; height++) {
    const hash = z.string().parse(await ask(access, 'getblockhash', [height]));
    const block = Block.parse(await ask(access, 'getblock', [hash, 2]));
    hashes.push(hash);
    for (const { txid, vin } of block.tx) {
      heights.set(txid, height);
      for (const input of vin) if (input.txid) spenders.set(`${input.txid}:${input.vout}`, txid);
    }
  }
  return { hashes, heights, spenders };
}

/** The input of a coinbase has no txid. */
const Input = z.object({ txid: z.string().optional(), vout: z.number().optional() });
const Block = z.object({ tx: z.array(z.object({ txid: z.string(), vin: z.array(Input) })) });

async function ask({ url, cookieFile }: BitcoindAccess, method: string, params: unknown[]): Promise<unknown> {
  const authorization = `Basic ${Buffer.from(readFileSync(cookieFile, 'utf8').trim()).toString('base64')}`;
  const body = JSON.stringify({ method, params, id: 1 });
  const answer = await fetch(url, { method: 'POST', headers: { authorization }, body });
  const { result, error } = z.object({ result: z.unknown(), error: z.unknown() }).parse(await answer.json());
  if (error) throw new Error(`${method}: ${JSON.stringify(error)}`);
  return result;
}
