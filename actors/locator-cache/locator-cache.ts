import type { Logger } from 'pino';
import type { BlockRef } from '../../events/chain.js';
import type { ChainCommit, ShardCommit } from '../../events/commit.js';
import type { UserId } from '../../events/ids.js';
import type { AppointmentAccepted } from '../../events/user.js';
import type { BlockWindow, WindowBlock } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import { eachTxid } from '../block-txids.js';
import { reportBreach, type Sighting, txidOf } from '../breach-report.js';
import type { Meter } from '../meter.js';
import { type BlockListener, lastOf, type ReadBlock, type Run } from '../runtime/block-feed.js';
import { Mailbox } from '../runtime/mailbox.js';
import type { Transactor } from '../runtime/transact.js';
import { type Recent, RecentBlocks } from './recent-blocks.js';

/**
 * The LocatorCache: new appointments against known blocks.
 *
 *   block feed --blocksConnected, blockDisconnected--> LocatorCache --BreachDetected--> log
 *   fold ------------appointmentAccepted------------>      |
 *                                                          +--sighting--> Responder (at once)
 *
 * takes   blocksConnected, blockDisconnected   afterwards it holds exactly the last N blocks up to there
 *         folded                              an appointment accepted for a transaction that is mined already
 * emits   BreachDetected
 */
export class LocatorCache implements BlockListener {
  readonly #recent = new RecentBlocks();
  readonly #reports = new Mailbox();

  constructor(private readonly needs: LocatorCacheNeeds) {}

  /** The blocks held, lowest first. */
  get blocks(): readonly BlockRef[] {
    return this.#recent.blocks;
  }

  async blocksConnected(run: Run): Promise<void> {
    for (const { block, txidsInternal } of run.read.slice(-this.needs.size)) this.#add(block, txidsInternal);
    await this.#holdUpTo(lastOf(run).height);
  }

  /** A block that is among those held is held with its transactions from now on. */
  async blockRead({ block, txidsInternal }: ReadBlock): Promise<void> {
    if (this.#recent.has(block.hash)) this.#add(block, txidsInternal);
  }

  async blockDisconnected(block: WindowBlock): Promise<void> {
    await this.#holdUpTo(block.height - 1);
  }

  /** Looks at a commit that was folded just now. */
  folded(commit: ShardCommit): void {
    if (commit.aggregate.kind !== 'user') return;
    for (const event of commit.events)
      if (event.type === 'AppointmentAccepted') this.#compare(commit.aggregate.id, event);
  }

  /** Whether everything folded so far was compared and what was found is on the log. */
  get isSettled(): boolean {
    return this.#reports.isIdle;
  }

  /** Resolves when everything folded so far was compared and what was found is on the log. */
  settled(): Promise<void> {
    return this.#reports.idle();
  }

  #compare(userId: UserId, event: AppointmentAccepted): void {
    const found = this.#recent.find(event.scheme, event.locator);
    if (found) this.#report(userId, event, found);
    else if (this.#missed(event).length > 0)
      this.#reports.send(() => this.#compareWithMissed(userId, event)).catch(this.needs.fail);
  }

  /**
   * The blocks that were recent when the appointment was accepted, or came since, and that are not held any more: so many
   * blocks went by while it was being appended. Nearly always none.
   */
  #missed({ startBlock }: AppointmentAccepted): readonly WindowBlock[] {
    const lowest = this.blocks[0]?.height ?? Number.POSITIVE_INFINITY; // none is held before the first block is told
    const { chain, size } = this.needs;
    return chain.state.from(startBlock - size + 1).filter(({ height }) => height < lowest);
  }

  async #compareWithMissed(userId: UserId, event: AppointmentAccepted): Promise<void> {
    const missed = new RecentBlocks();
    for (const block of this.#missed(event))
      missed.add({ height: block.height, hash: block.hash }, eachTxid((await this.needs.txids(block)) ?? NONE));
    const found = missed.find(event.scheme, event.locator);
    if (found) this.#report(userId, event, found);
  }

  #report(userId: UserId, event: AppointmentAccepted, found: Recent): void {
    const { locator } = event;
    const disputeTxid = txidOf(found.txidInternal);
    this.needs.log.info({ locator, user: userId, dispute: disputeTxid }, 'breach in a recent block');
    const hit = { ...event, userId };
    const sighting: Sighting = { hit, disputeTxid, block: found.block, foundBy: 'locator-cache' };
    this.needs.meter?.cameLate(disputeTxid);
    this.needs.sighted(sighting);
    this.#reports.send(() => reportBreach(this.needs, sighting)).catch(this.needs.fail);
  }

  /** Holds exactly the last N blocks of the best chain up to a height, older ones fetched again after a reorg. */
  async #holdUpTo(height: number): Promise<void> {
    const { size, chain, txids } = this.needs;
    const wanted = Array.from({ length: size }, (_, i) => chain.state.at(height - i)).filter(
      (block) => block !== undefined,
    );
    for (const block of wanted) if (!this.#recent.has(block.hash)) this.#add(block, (await txids(block)) ?? NONE);
    this.#recent.keepOnly(wanted);
  }

  #add({ height, hash }: BlockRef, txidsInternal: Uint8Array): void {
    this.#recent.add({ height, hash }, eachTxid(txidsInternal));
  }
}

/** A block that nobody has is held without its transactions; the gap on the log is what keeps it from being forgotten. */
const NONE = new Uint8Array();

export interface LocatorCacheNeeds {
  /** How many blocks to hold. */
  readonly size: number;
  readonly chain: Fold<ChainCommit, BlockWindow>;
  /** Undefined if nobody has the block, and then the log says so. */
  readonly txids: (block: BlockRef) => Promise<Uint8Array | undefined>;
  readonly transactor: Transactor;
  /** Hears of each find before it is on the log. */
  readonly sighted: (sighting: Sighting) => void;
  readonly meter?: Pick<Meter, 'cameLate'> | undefined;
  readonly fail: (error: Error) => void;
  readonly log: Logger;
}
