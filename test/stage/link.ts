import { BitcoindRefused } from '../../actors/bitcoind/rpc-errors.js';
import type { Bitcoind } from '../../cli/servers/bitcoind.js';
import type { RegtestChain } from '../../cli/servers/regtest-chain.js';
import type { BlockHash } from '../../events/ids.js';
import { until } from '../support/until.js';
import type { Victim } from './victim.js';

/** A bitcoind and the chain that it makes. */
export interface Miner {
  readonly bitcoind: Bitcoind;
  readonly chain: RegtestChain;
  readonly victim: Victim;
}

/** Two bitcoinds and the line between them. */
export class Link {
  /** Blocks that were declared invalid, to be reconsidered; a restart remembers them, so this does too. */
  readonly #invalid = new Map<BlockHash, Miner>();

  constructor(
    readonly a: Miner,
    readonly b: Miner,
  ) {}

  get miners(): readonly Miner[] {
    return [this.a, this.b];
  }

  get up(): readonly Miner[] {
    return this.miners.filter(({ victim }) => victim.up);
  }

  /** Makes them peers if they are not, gives back what was declared invalid, and has them write their chains to disk. */
  async tend(): Promise<void> {
    for (const [block, miner] of this.#invalid) if (miner.victim.up) await this.reconsider(miner, block);
    // A chain that a SIGKILL throws far back is not what is tested: a call that happens to write everything to disk.
    for (const { bitcoind } of this.up) await bitcoind.rpc.call('gettxoutsetinfo', 'none');
    if (this.up.length < 2) return;
    for (const { bitcoind } of this.miners) await bitcoind.rpc.call('setnetworkactive', true);
    const { rpc } = this.b.bitcoind;
    if ((await rpc.call('getconnectioncount')) === 0) await rpc.call('addnode', this.a.bitcoind.p2p, 'onetry');
  }

  /** Cuts the line. */
  async part(): Promise<void> {
    for (const { bitcoind } of this.miners) await bitcoind.rpc.call('setnetworkactive', false);
  }

  /** Resolves when both are on one chain, which may take a block that decides. */
  async join(): Promise<void> {
    let looks = 0;
    await until('the two bitcoinds are on one chain', async () => {
      if (looks++ % 50 === 0) await this.tend();
      const [a, b] = await Promise.all(this.miners.map(({ chain }) => chain.tip()));
      if (a !== b && looks % 200 === 0) await this.a.chain.mineOnly();
      return a === b;
    });
  }

  async invalidate(miner: Miner, block: BlockHash): Promise<void> {
    this.#invalid.set(block, miner);
    await miner.chain.invalidate(block);
  }

  async reconsider(miner: Miner, block: BlockHash): Promise<void> {
    await miner.chain.reconsider(block).catch((error: unknown) => {
      if (!(error instanceof BitcoindRefused)) throw error; // a SIGKILL made it forget the block
    });
    this.#invalid.delete(block);
  }
}
