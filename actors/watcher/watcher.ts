import type { Logger } from 'pino';
import type { BlockRef } from '../../events/chain.js';
import type { ChainCommit, ShardCommit } from '../../events/commit.js';
import type { AppointmentId, BlockHash } from '../../events/ids.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { Candidate } from '../../projections/watchlist.js';
import type { Bookings } from '../bookings.js';
import { type Hit, reportBreach, type Sighting, txidOf } from '../breach-report.js';
import { type BlockListener, lastOf, type ReadBlock, type Run } from '../runtime/block-feed.js';
import { inTime } from '../runtime/in-time.js';
import type { Transactor } from '../runtime/transact.js';
import type { RecentBreaches, ScanRecord } from './scan-record.js';

/**
 * The Watcher: blocks against known appointments.
 *
 *   block feed --blocksConnected--> Watcher --BreachDetected, BlockScanned--> log
 *                       log <--reads--  |
 *                                     +--candidates, then sightings--> Responder (at once, while the append is under way)
 *
 * takes   blockFound          looks every transaction up at once, and tells the Responder; nothing is recorded
 *         blocksConnected     looks every transaction up, once per scheme
 *         blockRead           the same for a block that nobody had when it was connected
 *         blockDisconnected   nothing: what the new branch holds is seen when it is connected
 * emits   BreachDetected      for each hit that is news
 *         BlockScanned        when all of the blocks' breaches are on the log
 */
export class Watcher implements BlockListener {
  /** The breached appointments of the block that was found last, which people have been told of. */
  #found: { readonly hash: BlockHash; readonly told: Set<AppointmentId> } | undefined;

  constructor(private readonly needs: WatcherNeeds) {}

  /**
   * A breach is answered before the log takes the block, and if the log takes nothing. Resolves when all of the block's
   * were answered, or could not be. The penalties come first: what the log says of their appointments is read when bitcoind
   * has them, since to read it takes the processors that check them.
   */
  async blockFound(found: FoundBlock): Promise<void> {
    this.#found = { hash: found.block.hash, told: new Set() };
    const candidates = this.#lookUp([found]);
    await inTime(this.needs.foreseen(found.block, candidates), EARLY_MS);
    const answers: Promise<void>[] = [];
    await this.#tell(candidates, (answer) => answers.push(answer));
    await Promise.all(answers);
  }

  async blocksConnected(run: Run): Promise<void> {
    const { scans, chain, recent } = this.needs;
    await this.#evaluate(run.read);
    // Never one that nobody has: it stays a gap.
    const block = run.read.at(-1)?.block;
    if (!block) return;
    const from = run.blocks[0]?.height ?? block.height;
    const isTip = chain.state.tip?.hash === lastOf(run).hash;
    await scans.scanned({ block, from, isTip, chain: chain.state }, recent);
  }

  async blockRead(read: ReadBlock): Promise<void> {
    const { block } = read;
    await this.#evaluate([read]);
    const { scans, chain, recent } = this.needs;
    await scans.scanned({ block, isTip: false, chain: chain.state }, recent);
    this.needs.log.info({ height: block.height, hash: block.hash }, 'block scanned after all');
  }

  async blockDisconnected(): Promise<void> {}

  /** Resolves when every breach that the blocks hold is on the log. */
  async #evaluate(read: readonly ReadBlock[]): Promise<void> {
    const { fold } = this.needs;
    const before = fold.state.position;
    const first = this.#lookUp(read);
    // What is accepted after this tail meets the blocks in the locator cache, which has taken them already.
    const [found, tail] = await Promise.all([this.#tell(first), fold.level()]);
    const known = new Set(first.map(nameOf));
    const later = tail > before ? this.#lookUp(read).filter((one) => !known.has(nameOf(one))) : [];
    const sightings = [...found, ...(await this.#tell(later))];
    await Promise.all(sightings.map((sighting) => reportBreach(this.needs, sighting)));
  }

  /** The transactions of the blocks that somebody may wait for. */
  #lookUp(read: readonly FoundBlock[]): Located[] {
    const { watchlist } = this.needs.fold.state;
    return read.flatMap(({ block, txidsInternal }) =>
      watchlist.lookUpAll(txidsInternal).map((candidate) => ({ ...candidate, block })),
    );
  }

  /** Those who do wait; the Responder is told of each at once. */
  async #tell(candidates: readonly Located[], answering: (answer: Promise<void>) => void = () => {}) {
    const told = candidates.map(async ({ block, txidInternal, booked }) => {
      const hits = await this.needs.bookings.waitingFor(txidInternal, [booked]);
      const sightings = hits.map((hit) => this.#sighting(hit, txidInternal, block));
      for (const sighting of sightings) answering(this.needs.sighted(sighting));
      return sightings;
    });
    return (await Promise.all(told)).flat();
  }

  #sighting(hit: Hit, txidInternal: Uint8Array, { height, hash }: BlockRef): Sighting {
    const disputeTxid = txidOf(txidInternal);
    const { appointmentId, locator, userId: user } = hit;
    const told = this.#found?.hash === hash ? this.#found.told : undefined;
    if (!told?.has(appointmentId))
      this.needs.log.info({ locator, user, dispute: disputeTxid, height }, 'breach in a block');
    told?.add(appointmentId);
    return { hit, disputeTxid, block: { height, hash }, foundBy: 'watcher' };
  }
}

/** A block and its txids, 32 bytes each in internal order. */
interface FoundBlock {
  readonly block: BlockRef;
  readonly txidsInternal: Uint8Array;
}

/** A candidate, and the block that its transaction is in. */
interface Located extends Candidate {
  readonly block: BlockRef;
}

const nameOf = ({ txidInternal, booked }: Located): string =>
  `${booked.position}/${booked.blob}/${txidOf(txidInternal)}`;

/** How long the penalties may keep the log from being read, in ms: they are few, or it is not they that are waited for. */
const EARLY_MS = 100;

export interface WatcherNeeds {
  readonly fold: Fold<ShardCommit, ShardState>;
  readonly transactor: Transactor;
  readonly scans: ScanRecord;
  readonly bookings: Pick<Bookings, 'waitingFor'>;
  readonly chain: Fold<ChainCommit, BlockWindow>;
  /** Hears of each hit before it is on the log; what it gives resolves when that was answered, or could not be. */
  readonly sighted: (sighting: Sighting) => Promise<void>;
  /** Hears of what may be breaches before it is known whose; resolves when what can be sent so soon was, or could not be. */
  readonly foreseen: (block: BlockRef, candidates: readonly Candidate[]) => Promise<void>;
  readonly recent: RecentBreaches;
  readonly log: Logger;
}
