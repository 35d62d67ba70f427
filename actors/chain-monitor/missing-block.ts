import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockHash } from '../../events/ids.js';
import type { BlockSource } from './block-source.js';

/** How long a peer has for a block, in ms, and how often it is looked whether it came. */
const PEER_MS = 3_000;
const LOOK_MS = 20;
/** After a peer was waited for in vain: how long it gets less time, in ms, and how much. Many pruned blocks must not take hours. */
const HASTE = { forMs: 60_000, patienceMs: 200 };

/** Reads blocks that bitcoind may have pruned: asks its peers for them, as long as that helps. */
export class MissingBlocks {
  #hasteUntil = 0;

  constructor(
    private readonly blocks: Pick<BlockSource, 'block' | 'archivePeers' | 'askPeer'>,
    private readonly signal: AbortSignal,
  ) {}

  /** A block's txids (32 bytes each, internal order); undefined if neither bitcoind nor a peer of it has the block now. */
  async txids(hash: BlockHash): Promise<Uint8Array | undefined> {
    const { txidsInternal } = await this.blocks.block(hash);
    return txidsInternal ?? (await this.#fromPeers(hash));
  }

  async #fromPeers(hash: BlockHash): Promise<Uint8Array | undefined> {
    for (const peer of await this.blocks.archivePeers()) {
      if (!(await this.blocks.askPeer(hash, peer))) continue;
      const patience = performance.now() < this.#hasteUntil ? HASTE.patienceMs : PEER_MS;
      for (const end = performance.now() + patience; performance.now() < end; ) {
        await sleep(LOOK_MS, undefined, { signal: this.signal });
        const { txidsInternal } = await this.blocks.block(hash);
        if (!txidsInternal) continue;
        this.#hasteUntil = 0;
        return txidsInternal;
      }
      this.#hasteUntil = performance.now() + HASTE.forMs;
    }
    return undefined;
  }
}
