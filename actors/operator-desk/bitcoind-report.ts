import { z } from 'zod';
import type { BitcoindReport } from '../cluster-wire.js';
import { inTime } from '../runtime/in-time.js';

/** A bitcoind's JSON-RPC. */
export interface Rpc {
  call(method: string, ...params: unknown[]): Promise<unknown>;
}

const NetworkInfo = z.object({ subversion: z.string(), connections: z.number().int() });
const ChainInfo = z.object({ blocks: z.number().int(), pruned: z.boolean(), time: z.number().int().optional() });

/** How long the operator waits for a bitcoind, in ms: it may be stuck, and the node has more to tell. */
const PATIENCE_MS = 2_000;

/** Asks a node's bitcoind how it is. One that is silent is not asked again before it has answered or failed. */
export class BitcoindInquiry {
  #asked: Promise<[unknown, unknown]> | undefined;

  constructor(private readonly rpc: Rpc) {}

  async report(): Promise<BitcoindReport> {
    this.#asked ??= this.#ask();
    const answers = (await inTime(this.#asked, PATIENCE_MS)) ?? [];
    const [network, chain] = [NetworkInfo.safeParse(answers[0]).data, ChainInfo.safeParse(answers[1]).data];
    return {
      reachable: network !== undefined && chain !== undefined,
      version: network?.subversion ?? null,
      height: chain?.blocks ?? null,
      peers: network?.connections ?? null,
      pruned: chain?.pruned ?? null,
      block_time: chain?.time ?? null,
    };
  }

  async #ask(): Promise<[unknown, unknown]> {
    try {
      return await Promise.all([this.rpc.call('getnetworkinfo'), this.rpc.call('getblockchaininfo')]);
    } finally {
      this.#asked = undefined;
    }
  }
}
