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

  scanned(scan: RecordScan): Promise<void> {
    return this.#transact((scans) => decideScanned(scan, scans));
  }

  /** Resolves when the log says that nobody has this block. */
  unread(block: BlockRef): Promise<void> {
    this.#unread.push(block);
    return this.#entries.send(async () => {
      const blocks = new Set(this.#unread);
      if (!blocks.has(block)) return; // went with one before
      const events = await this.#record((scans) => decideUnread([...blocks], scans));
      this.#unread = this.#unread.filter((other) => !blocks.has(other));
      const heights = events.map(({ height }) => height).sort((a, b) => a - b);
      if (heights.length > 0)
        this.log.error(
          { from: heights[0], to: heights.at(-1), blocks: heights.length },
          'blocks not scanned: bitcoind has pruned them and no peer gives them; they are asked for again and again',
        );
    });
  }

  async #transact(decide: (scans: Scans) => Decision<void, ScanEvent>): Promise<void> {
    await this.#entries.send(() => this.#record(decide));
  }

  async #record(decide: (scans: Scans) => Decision<void, ScanEvent>): Promise<readonly ScanEvent[]> {
    let recorded: readonly ScanEvent[] = [];
    await this.transactor.transact({
      aggregate: scanAggregate,
      read: (shard) => ({ state: shard.scans, version: shard.scanVersion }),
      decide: (scans: Scans) => {
        const decision = decide(scans);
        if (decision.events.length > 0) recorded = decision.events;
        return decision;
      },
      patience: Number.POSITIVE_INFINITY,
    });
    return recorded;
  }
}
