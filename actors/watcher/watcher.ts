import type { Logger } from 'pino';
import type { BlockRef } from '../../events/chain.js';
import type { ShardCommit } from '../../events/commit.js';
import type { BlockHash, Txid } from '../../events/ids.js';
import type { WindowBlock } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { Hit } from '../../projections/watchlist.js';
import { eachTxid } from '../block-txids.js';
import { reportBreach, type Sighting, txidOf } from '../breach-report.js';
import { type BlockListener, lastOf, type ReadBlock, type Run } from '../runtime/block-feed.js';
import type { Transactor } from '../runtime/transact.js';
import type { RecentBreaches, ScanRecord } from './scan-record.js';

/**
 * The Watcher: blocks against known appointments.
 *
 *   block feed --blocksConnected--> Watcher --BreachDetected, BlockScanned--> log
 *                                     |
 *                                     +--sighting--> Responder (at once, while the append is under way)
 *
 * takes   blockFound          looks every transaction up at once, and tells the Responder; nothing is recorded
 *         blocksConnected     looks every transaction up, once per scheme
 *         blockRead           the same for a block that nobody had when it was connected
 *         blockDisconnected   nothing: what the new branch holds is seen when it is connected
 * emits   BreachDetected      for each hit that is news
 *         BlockScanned        when all of the blocks' breaches are on the log
 */
export class Watcher implements BlockListener {
  /** The disputes of the block that was found last, which people have been told of. */
  #found: { readonly hash: BlockHash; readonly disputes: ReadonlySet<Txid> } | undefined;

  constructor(private readonly needs: WatcherNeeds) {}

  /** A breach is answered before the log takes the block, and if the log takes nothing. */
  blockFound({ block, txidsInternal }: FoundBlock): void {
    const sightings = this.#lookUp([{ block, txidsInternal }]);
    this.#found = { hash: block.hash, disputes: new Set(sightings.map(({ disputeTxid }) => disputeTxid)) };
  }

  async blocksConnected(run: Run): Promise<void> {
    const { scans, isTip, recent } = this.needs;
    await this.#evaluate(run.read);
    // Never one that nobody has: it stays a gap.
    const block = run.read.at(-1)?.block;
    if (!block) return;
    const from = run.blocks[0]?.height ?? block.height;
    await scans.scanned({ block, from, isTip: isTip(lastOf(run)) }, recent);
  }

  async blockRead(read: ReadBlock): Promise<void> {
    const { block } = read;
    await this.#evaluate([read]);
    await this.needs.scans.scanned({ block, isTip: false }, this.needs.recent);
    this.needs.log.info({ height: block.height, hash: block.hash }, 'block scanned after all');
  }

  async blockDisconnected(): Promise<void> {}

  /** Resolves when every breach that the blocks hold is on the log. */
  async #evaluate(read: readonly ReadBlock[]): Promise<void> {
    const { fold } = this.needs;
    const sightings = this.#lookUp(read);
    // What is accepted after this tail meets the blocks in the locator cache, which has taken them already.
    const before = fold.state.position;
    const tail = await fold.level();
    if (tail > before) sightings.push(...this.#lookUp(read, sightings));
    await Promise.all(sightings.map((sighting) => reportBreach(this.needs.transactor, sighting)));
  }

  /** Everyone who waits for a transaction of the blocks and is not among those found before; the Responder is told at once. */
  #lookUp(read: readonly FoundBlock[], found: readonly Sighting[] = []): Sighting[] {
    const { watchlist } = this.needs.fold.state;
    if (watchlist.size === 0) return [];
    const known = new Set(found.map(({ hit }) => hit.appointmentId));
    const sightings: Sighting[] = [];
    for (const { block, txidsInternal } of read)
      for (const txid of eachTxid(txidsInternal))
        for (const hit of watchlist.lookUp(txid))
          if (!known.has(hit.appointmentId)) sightings.push(this.#sighting(hit, txid, block));
    for (const sighting of sightings) this.needs.sighted(sighting);
    return sightings;
  }

  #sighting(hit: Hit, txidInternal: Uint8Array, { height, hash }: BlockRef): Sighting {
    const disputeTxid = txidOf(txidInternal);
    if (this.#found?.hash !== hash || !this.#found.disputes.has(disputeTxid))
      this.needs.log.info(
        { locator: hit.locator, user: hit.userId, dispute: disputeTxid, height },
        'breach in a block',
      );
    return { hit, disputeTxid, block: { height, hash }, foundBy: 'watcher' };
  }
}

/** A block and its txids, 32 bytes each in internal order. */
interface FoundBlock {
  readonly block: BlockRef;
  readonly txidsInternal: Uint8Array;
}

export interface WatcherNeeds {
  readonly fold: Fold<ShardCommit, ShardState>;
  readonly transactor: Transactor;
  readonly scans: ScanRecord;
  /** Whether a block is the tip of the best chain. */
  readonly isTip: (block: WindowBlock) => boolean;
  /** Hears of each hit before it is on the log. */
  readonly sighted: (sighting: Sighting) => void;
  readonly recent: RecentBreaches;
  readonly log: Logger;
}
