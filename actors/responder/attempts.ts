import type { Logger } from 'pino';
import { fromHex, reversed } from '../../events/bytes.js';
import type { BlockRef } from '../../events/chain.js';
import type { ChainCommit, ShardCommit } from '../../events/commit.js';
import type { AppointmentId, BlockHash, Height, Locator, Txid } from '../../events/ids.js';
import { parsePenalty } from '../../events/schemes/penalty.js';
import type { SchemeName } from '../../events/schemes/scheme.js';
import { schemes } from '../../events/schemes/schemes.js';
import type { BlobRef } from '../../events/user.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { Penalty } from '../../projections/tracker.js';
import type { Meter } from '../meter.js';
import type { Answer } from './decisions.js';
import type { EarlySends } from './early-sends.js';
import { spendsNoOutputOf } from './outspend.js';
import type { SpendSource } from './spend-search.js';

/** What the Responder needs of the Carrier. Both reject while bitcoind is away. */
export interface PenaltyCarrier extends SpendSource {
  /** Sends a raw transaction; where it is refused for its fee and its parent is unconfirmed, both as a package. */
  broadcast(rawTx: string, parentRawTx?: string): Promise<PenaltyVerdict>;
  /** A transaction's raw hex; with its block's hash also where bitcoind has no index of transactions. */
  rawTransaction(txid: Txid, block?: BlockHash): Promise<string | undefined>;
}

export type PenaltyVerdict =
  | { readonly kind: 'accepted' | 'already-mined' }
  | {
      readonly kind: 'inputs-missing-or-spent' | 'policy' | 'invalid' | 'unknown';
      readonly detail: string;
    };

export interface AttemptsNeeds {
  readonly fold: Fold<ShardCommit, ShardState>;
  readonly chain: Fold<ChainCommit, BlockWindow>;
  readonly carrier: PenaltyCarrier;
  /** The bytes of a stored blob; undefined if it was erased. */
  readonly blob: (ref: BlobRef) => Promise<Uint8Array | undefined>;
  readonly meter?: Pick<Meter, 'penaltyTaken'> | undefined;
  readonly log: Logger;
}

interface Breach {
  readonly locator: Locator;
  readonly disputeTxid: Txid;
  readonly disputeBlock: BlockRef | null;
  /** Not null while the dispute was only ever seen in a mempool. */
  readonly sightedAt: Height | null;
  readonly lostBlock?: BlockRef;
}

/** Where a penalty is, and how it is hidden. */
export interface Sealed {
  readonly blob: BlobRef;
  readonly scheme: SchemeName;
}

interface Attempt {
  readonly tip: BlockRef | undefined;
  /** Of which bitcoind: see `forgetAll`. */
  readonly run: number;
  /** Undefined where no blob was needed, or it could not be had. */
  readonly blob: number | undefined;
  readonly answer: Answer | undefined;
  /** Whether the log knows what came of it: a breach is answered before its tracker can be written to. */
  readonly recorded: boolean;
}

/** The Responder's dealings with blobs and bitcoind, and the memory of what was done at which tip: a cache, not state. */
export class Attempts {
  readonly #last = new Map<AppointmentId, Attempt>();
  /** How often everything was forgotten: what was tried before that does not count. */
  #forgotten = 0;

  constructor(
    private readonly needs: AttemptsNeeds,
    private readonly early: Pick<EarlySends, 'take'>,
  ) {}

  /** Whether something was tried and recorded at this tip, and with this blob if there is one. */
  wereMade(id: AppointmentId, tip: BlockRef, blob: Pick<BlobRef, 'position'> | undefined): boolean {
    const last = this.#last.get(id);
    return (
      last?.recorded === true &&
      last.tip?.hash === tip.hash &&
      (last.blob === undefined || !blob || last.blob === blob.position)
    );
  }

  /** Opens the blob and broadcasts what is in it, unless that was done at this tip; undefined if the blob cannot be had. */
  async respond(id: AppointmentId, breach: Breach, sealed: Sealed): Promise<Answer | undefined> {
    const { position } = sealed.blob;
    const tip = this.#tipFor(breach);
    const last = this.#last.get(id);
    if (last?.answer && last.tip?.hash === tip?.hash && last.blob === position) return last.answer;
    const run = this.#forgotten;
    const opened = await this.#open(id, breach, sealed);
    const early = opened && 'txid' in opened && isIn(breach, tip) ? this.early.take(opened.rawTx, tip) : undefined;
    const answer = opened && 'txid' in opened ? await this.#send(breach, opened, position, early) : opened;
    this.#set(id, { tip, run, blob: position, answer, recorded: false });
    return answer;
  }

  /** A dispute's block may be found before the log knows of it: what is tried then counts for that block. */
  #tipFor({ disputeBlock: found }: Breach): BlockRef | undefined {
    const { tip } = this.needs.chain.state;
    return found && (!tip || found.height > tip.height) ? found : tip;
  }

  async rebroadcast(id: AppointmentId, breach: Breach, penalty: Penalty): Promise<Answer> {
    const tip = this.needs.chain.state.tip;
    const run = this.#forgotten;
    const answer = await this.#send(breach, penalty, this.blobOf(id, breach));
    this.#set(id, { tip, run, blob: undefined, answer, recorded: false });
    return answer;
  }

  /** The position of the blob that a penalty came out of; 0 if there is none any more. */
  blobOf(appointmentId: AppointmentId, { locator }: Pick<Breach, 'locator'>): number {
    return this.needs.fold.state.booked({ appointmentId, locator })?.blob ?? 0;
  }

  /** The penalty that was sent last, taken or not. */
  penaltyOf(id: AppointmentId): Penalty | undefined {
    const answer = this.#last.get(id)?.answer;
    return answer?.kind === 'sent' ? answer.penalty : undefined;
  }

  /** The height of the last try. */
  lastTry(id: AppointmentId): Height | undefined {
    return this.#last.get(id)?.tip?.height;
  }

  /** The last answer is on the log, or said nothing new. */
  recorded(id: AppointmentId): void {
    const last = this.#last.get(id);
    if (last) this.#last.set(id, { ...last, recorded: true });
  }

  forget(id: AppointmentId): void {
    this.#last.delete(id);
  }

  /** bitcoind is another run of the program, whose mempool may be empty: nothing was tried with this one. */
  forgetAll(): void {
    this.#forgotten++;
    this.#last.clear();
  }

  /** What was tried with a bitcoind that is gone by now is not remembered. */
  #set(id: AppointmentId, attempt: Attempt): void {
    if (attempt.run === this.#forgotten) this.#last.set(id, attempt);
  }

  async #open(
    id: AppointmentId,
    { disputeTxid }: Breach,
    { blob: ref, scheme }: Sealed,
  ): Promise<Penalty | Answer | undefined> {
    const blob = await this.needs.blob(ref);
    if (!blob) {
      this.needs.log.error({ appointment: id, blob: ref.position }, 'the blob of a breached appointment is not stored');
      return undefined;
    }
    const plaintext = schemes[scheme].open(blob, reversed(fromHex(disputeTxid)));
    if (!plaintext) return { kind: 'refused-blob', blob: ref.position, reason: 'does-not-decrypt' };
    const penalty = parsePenalty(plaintext);
    if (!penalty) return { kind: 'refused-blob', blob: ref.position, reason: 'not-a-transaction' };
    return { txid: penalty.txid, rawTx: penalty.rawTx, disputeRawTx: null };
  }

  /** `early`: what becomes of the penalty if it was sent already. */
  async #send(breach: Breach, penalty: Penalty, blob: number, early?: Promise<PenaltyVerdict>): Promise<Answer> {
    const { carrier } = this.needs;
    const parent = await this.#disputeToPush(breach, penalty);
    if (parent) await carrier.broadcast(parent);
    const verdict = await (early ?? carrier.broadcast(penalty.rawTx, parent));
    const { disputeBlock } = breach;
    if (disputeBlock && !('detail' in verdict))
      this.needs.meter?.penaltyTaken(penalty.txid, breach.disputeTxid, disputeBlock.hash);
    this.needs.log.info({ penalty: penalty.txid, dispute: breach.disputeTxid, verdict: verdict.kind }, 'penalty sent');
    const disputeRawTx = parent ?? penalty.disputeRawTx ?? (await this.#disputeOf(breach));
    const height = this.#tipFor(breach)?.height;
    if (height === undefined) throw new TypeError('a breach without a chain');
    const refusal = refusalOf(verdict, penalty, { txid: breach.disputeTxid, rawTx: disputeRawTx });
    return { kind: 'sent', blob, penalty: { ...penalty, disputeRawTx }, refusal, height };
  }

  /**
   * The raw dispute that is sent too: it was in a block, and a reorg took it out. One that was only ever seen in a mempool
   * is never pushed: if it was replaced or evicted, its user is better off without it, and the tower would help the cheater.
   */
  async #disputeToPush(breach: Breach, { disputeRawTx }: Penalty): Promise<string | undefined> {
    if (breach.disputeBlock || breach.sightedAt !== null) return undefined;
    return disputeRawTx ?? (await this.#disputeOf(breach)) ?? undefined;
  }

  /** bitcoind keeps blocks that a reorg took out: what was in one can be read there still. */
  async #disputeOf({ disputeTxid, disputeBlock, lostBlock }: Breach): Promise<string | null> {
    return (await this.needs.carrier.rawTransaction(disputeTxid, (disputeBlock ?? lostBlock)?.hash)) ?? null;
  }
}

const isIn = ({ disputeBlock }: Breach, tip: BlockRef | undefined): tip is BlockRef =>
  tip !== undefined && disputeBlock?.hash === tip.hash;

function refusalOf(verdict: PenaltyVerdict, penalty: Penalty, dispute: { txid: Txid; rawTx: string | null }) {
  if (!('detail' in verdict)) return undefined;
  const { kind, detail } = verdict;
  const { txid, rawTx } = dispute;
  if (kind === 'inputs-missing-or-spent' && rawTx && spendsNoOutputOf(penalty.rawTx, { txid, rawTx }))
    return { verdict: 'invalid', detail: `${detail} no such output` } as const;
  return { verdict: kind, detail };
}
