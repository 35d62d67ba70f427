import type { Logger } from 'pino';
import { scanAggregate } from '../../events/aggregate.js';
import type { BlockRef } from '../../events/chain.js';
import type { Decision } from '../../events/decider.js';
import type { ScanEvent } from '../../events/scan.js';
import type { Scans } from '../../projections/scans.js';
import { Mailbox } from '../runtime/mailbox.js';
import type { Transactor } from '../runtime/transact.js';
import { decideScanned, decideUnread, type RecordScan } from './decisions.js';

/** What a shard's log says of which blocks were evaluated, and which could not be. One entry at a time. */
export class ScanRecord {
  readonly #entries = new Mailbox();
  /** Blocks that nobody has, and that wait to be recorded together. */
  #unread: BlockRef[] = [];

  constructor(
    private readonly transactor: Transactor,
    private readonly log: Logger,
  ) {}

  /**
   * Resolves when the log says that the blocks were evaluated. A scan vouches for all that its node knew: also of what was
   * folded meanwhile, every appointment must have been compared with recent blocks.
   */
  async scanned(scan: RecordScan, recent: RecentBreaches): Promise<void> {
    const whenSettled = (scans: Scans): Decision<boolean, ScanEvent> =>
      recent.isSettled ? { ...decideScanned(scan, scans), outcome: true } : { outcome: false, events: [] };
    // Waits outside the queue of entries: to compare them may need an entry of its own.
    do await recent.settled();
    while (!(await this.#entries.send(() => this.#record(whenSettled))));
  }

  /** Resolves when the log says that nobody has this block. */
  unread(block: BlockRef): Promise<void> {
    this.#unread.push(block);
    return this.#entries.send(async () => {
      const blocks = new Set(this.#unread);
      if (!blocks.has(block)) return; // went with one before
      let events: readonly ScanEvent[] = [];
      await this.#record((scans) => {
        const decision = decideUnread([...blocks], scans);
        if (decision.events.length > 0) events = decision.events;
        return decision;
      });
      this.#unread = this.#unread.filter((other) => !blocks.has(other));
      const heights = events.map(({ height }) => height).sort((a, b) => a - b);
      if (heights.length > 0)
        this.log.error(
          { from: heights[0], to: heights.at(-1), blocks: heights.length },
          'blocks not scanned: bitcoind has pruned them and no peer gives them; they are asked for again and again',
        );
    });
  }

  #record<Outcome>(decide: (scans: Scans) => Decision<Outcome, ScanEvent>): Promise<Outcome> {
    return this.transactor.transact({
      aggregate: scanAggregate,
      read: (shard) => ({ state: shard.scans, version: shard.scanVersion }),
      decide,
      patience: Number.POSITIVE_INFINITY,
    });
  }
}

/** The comparing of new appointments with recent blocks. */
export interface RecentBreaches {
  /** Whether every appointment folded so far was compared, and what that found is on the log. */
  readonly isSettled: boolean;
  /** Resolves when that is so. */
  settled(): Promise<void>;
}
