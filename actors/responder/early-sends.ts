import type { Logger } from 'pino';
import type { BlockRef } from '../../events/chain.js';
import type { ShardCommit } from '../../events/commit.js';
import type { BlockHash, Position } from '../../events/ids.js';
import { openPenalty } from '../../events/schemes/penalty.js';
import { schemes } from '../../events/schemes/schemes.js';
import type { Fold } from '../../projections/fold.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { Candidate } from '../../projections/watchlist.js';
import { txidOf } from '../breach-report.js';
import type { Meter } from '../meter.js';
import { why } from '../runtime/why.js';
import type { PenaltyCarrier, PenaltyVerdict } from './attempts.js';

interface Sent {
  readonly block: BlockHash;
  readonly verdict: Promise<PenaltyVerdict>;
}

/**
 * Penalties that are sent before it is known whose they are: while their appointments are still to be read on the log.
 *
 * What waits for a transaction of a block is looked up by fingerprint, which gives the place of its blob. Whatever that opens
 * to under the transaction's id was sealed for that transaction, as the cipher's tag proves, and stands in for a live
 * appointment, as the folded state says: so it may be sent. Nothing else comes of it: what is decided, and recorded, is decided
 * of the appointment as it was accepted, and of the blob whose hash that names; only that a penalty which went out here is not
 * sent a second time. A memory, not state: it holds what went out for the newest block.
 */
export class EarlySends {
  #sent = new Map<string, Sent>();
  #opened = new Set<Position>();

  constructor(private readonly needs: EarlySendsNeeds) {}

  /** Resolves when bitcoind has, or has refused, what the candidates' blobs open to; or could not be reached. */
  async send(block: BlockRef, candidates: readonly Candidate[]): Promise<void> {
    this.forget();
    if (candidates.length === 0) return;
    const answered = new Set(Array.from(this.needs.fold.state.liveTrackers(), ([, { disputeTxid }]) => disputeTxid));
    const fresh = candidates.filter(({ txidInternal }) => !answered.has(txidOf(txidInternal)));
    // Nothing is lost: their appointments are about to be read, and bring the same work again.
    const failed = (error: unknown) =>
      this.needs.log.warn(why(error), 'could not answer before an appointment is read');
    await Promise.all(fresh.map((candidate) => this.#sendOne(block, candidate).catch(failed)));
  }

  /**
   * What bitcoind said, or will say, of a raw transaction that was sent for a block; once, since it is to be sent again
   * whenever it is tried again. Rejects as sending does.
   */
  take(rawTx: string, { hash }: BlockRef): Promise<PenaltyVerdict> | undefined {
    const sent = this.#sent.get(rawTx);
    this.#sent.delete(rawTx);
    return sent?.block === hash ? sent.verdict : undefined;
  }

  /** Whether the penalty in the blob there was sent. */
  hasOpened(blob: Position | undefined): boolean {
    return blob !== undefined && this.#opened.has(blob);
  }

  /** Nothing was sent to the bitcoind that there is now, or for the block that is the newest. */
  forget(): void {
    this.#sent = new Map();
    this.#opened = new Set();
  }

  async #sendOne({ hash: block }: BlockRef, candidate: Candidate): Promise<void> {
    const { txidInternal, booked, scheme } = candidate;
    if (!this.#isLive(candidate)) return;
    const sent = this.#sent;
    const blob = await this.needs.blobAt(booked.blob);
    const penalty = blob && this.#isLive(candidate) && openPenalty(schemes[scheme], blob, txidInternal);
    // Another block has come meanwhile, or the same penalty was handed over twice.
    if (!penalty || sent !== this.#sent || sent.has(penalty.rawTx)) return;
    this.#opened.add(booked.blob);
    const verdict = this.needs.carrier.broadcast(penalty.rawTx);
    sent.set(penalty.rawTx, { block, verdict });
    // Not sent: whoever asks for it next has to.
    const said = await verdict.catch(() => void sent.delete(penalty.rawTx));
    if (said && !('detail' in said)) this.needs.meter?.penaltyTaken(penalty.txid, txidOf(txidInternal), block);
  }

  /** Whether the newest version of a live appointment has its blob there: it may end, or be replaced, at any time. */
  #isLive({ txidInternal, booked }: Candidate): boolean {
    const { watchlist } = this.needs.fold.state;
    return watchlist.lookUp(txidInternal).some(({ blob, status }) => blob === booked.blob && status === 'live');
  }
}

export interface EarlySendsNeeds {
  readonly fold: Pick<Fold<ShardCommit, ShardState>, 'state'>;
  readonly carrier: Pick<PenaltyCarrier, 'broadcast'>;
  /** What is stored at a position of the blobs: nobody has compared it with its hash. Undefined if it cannot be had at once. */
  readonly blobAt: (position: Position) => Promise<Uint8Array | undefined>;
  readonly meter?: Pick<Meter, 'penaltyTaken'> | undefined;
  readonly log: Logger;
}
