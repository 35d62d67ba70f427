import type { Logger } from 'pino';
import { scanAggregate } from '../../events/aggregate.js';
import type { ShardCommit } from '../../events/commit.js';
import type { WindowBlock } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { Hit } from '../../projections/watchlist.js';
import { eachTxid } from '../block-txids.js';
import { reportBreach, type Sighting, txidOf } from '../breach-report.js';
import type { BlockListener } from '../runtime/block-feed.js';
import type { Transactor } from '../runtime/transact.js';
import { decideScanned } from './decisions.js';

/**
 * The Watcher: blocks against known appointments.
 *
 *   block feed --blockConnected--> Watcher --BreachDetected, BlockScanned--> log
 *                                     |
 *                                     +--sighting--> Responder (at once, while the append is under way)
 *
 * takes   blockConnected      looks every transaction up, once per scheme
 *         blockDisconnected   nothing: what the new branch holds is seen when it is connected
 * emits   BreachDetected      for each hit that is news
 *         BlockScanned        when all of the block's breaches are on the log
 */
export class Watcher implements BlockListener {
  constructor(private readonly needs: WatcherNeeds) {}

  async blockConnected(block: WindowBlock, txidsInternal: Uint8Array): Promise<void> {
    const { fold } = this.needs;
    const sightings = this.#lookUp(block, txidsInternal);
    // What is accepted after this tail meets the block in the locator cache, which holds it already.
    const before = fold.state.position;
    const tail = await fold.level();
    if (tail > before) sightings.push(...this.#lookUp(block, txidsInternal, sightings));
    await Promise.all(sightings.map((sighting) => reportBreach(this.needs.transactor, sighting)));
    await this.needs.settled();
    await this.#recordScan(block);
  }

  async blockDisconnected(): Promise<void> {}

  /** Everyone who waits for a transaction of the block and is not among those found before; the Responder is told at once. */
  #lookUp(block: WindowBlock, txidsInternal: Uint8Array, found: readonly Sighting[] = []): Sighting[] {
    const known = new Set(found.map(({ hit }) => hit.appointmentId));
    const sightings = Array.from(eachTxid(txidsInternal)).flatMap((txid) =>
      this.needs.fold.state.watchlist
        .lookUp(txid)
        .filter(({ appointmentId }) => !known.has(appointmentId))
        .map((hit) => this.#sighting(hit, txid, block)),
    );
    for (const sighting of sightings) this.needs.sighted(sighting);
    return sightings;
  }

  #sighting(hit: Hit, txidInternal: Uint8Array, { height, hash }: WindowBlock): Sighting {
    const disputeTxid = txidOf(txidInternal);
    this.needs.log.info({ locator: hit.locator, user: hit.userId, dispute: disputeTxid, height }, 'breach in a block');
    return { hit, disputeTxid, block: { height, hash }, foundBy: 'watcher' };
  }

  async #recordScan(block: WindowBlock): Promise<void> {
    const isTip = this.needs.isTip(block);
    await this.needs.transactor.transact({
      aggregate: scanAggregate,
      read: (shard) => ({ state: shard.scans, version: shard.scanVersion }),
      decide: (scans) => decideScanned({ block, isTip }, scans),
      patience: Number.POSITIVE_INFINITY,
    });
  }
}

export interface WatcherNeeds {
  readonly fold: Fold<ShardCommit, ShardState>;
  readonly transactor: Transactor;
  /** Whether a block is the tip of the best chain. */
  readonly isTip: (block: WindowBlock) => boolean;
  /** Hears of each hit before it is on the log. */
  readonly sighted: (sighting: Sighting) => void;
  /** Resolves when every appointment folded so far was compared with recent blocks, and what that found is on the log. */
  readonly settled: () => Promise<void>;
  readonly log: Logger;
}
