import { AcceptanceReader } from '../../events/acceptance.js';
import { aggregateName, aggregateSubject } from '../../events/aggregate.js';
import { sha256, toHex } from '../../events/bytes.js';
import { UnknownEventError } from '../../events/codec.js';
import { DamagedCommitError, decodeCommit, type ShardCommit } from '../../events/commit.js';
import type { AppointmentId, Shard, UserId } from '../../events/ids.js';
import { blobStream, towerStream } from '../../events/log/streams.js';
import { leafHash } from '../../events/proofs/merkle.js';
import { RightEdge } from '../../projections/merkle/post-order.js';
import type { AuditMessage, AuditSource } from './audit-source.js';
import { BlobWatch, type SavedBlobs } from './blob-watch.js';
import { BookingTable, type SavedBookings } from './booking-table.js';
import type { ChainRecord } from './chain-record.js';
import type { MinedClaim } from './chain-witness.js';
import { type Comparison, EarlierEvents } from './earlier-events.js';
import type { Finding } from './findings.js';
import type { ExpectedHead } from './head-record.js';
import type { PolicyRecord } from './policy-record.js';
import { type SavedScans, ScanRules } from './scan-rules.js';
import { CROSSING_MS, type Place, shardOf } from './shard-context.js';
import type { SignatureChecks } from './signature-checks.js';
import { type SavedTrackers, TrackerRecords } from './tracker-records.js';
import { TrackerRules } from './tracker-rules.js';
import type { UserRecord } from './user-record.js';
import { UserRules } from './user-rules.js';

/** All that an audit has made of a shard up to a position. */
export interface SavedShard {
  readonly position: number;
  /** SHA-256 of the message there, hex. */
  readonly digest: string;
  readonly edge: readonly (Uint8Array | undefined)[];
  readonly users: Map<UserId, UserRecord>;
  readonly bookings: SavedBookings;
  readonly leftBlobs: SavedBlobs;
  readonly trackers: SavedTrackers;
  readonly scans: SavedScans;
  readonly signedTo: number;
  /** When its last commit was made, in ms. */
  readonly lastTime: number;
}

export interface ShardAuditNeeds {
  readonly source: AuditSource;
  readonly shard: Shard;
  readonly shards: number;
  readonly towerId: Parameters<SignatureChecks['message']>[2];
  readonly chain: ChainRecord;
  readonly heads: readonly ExpectedHead[];
  readonly signatures: SignatureChecks;
  readonly policy: PolicyRecord | undefined;
  /** The last positions of the shard's two streams that are looked at. */
  readonly through: { readonly log: number; readonly blobs: number };
  /** How long an erasure may take before it is missed, in ms. */
  readonly erasureMs: number;
  readonly found: (finding: Finding) => void;
  readonly isEnough: () => boolean;
  readonly claims: MinedClaim[] | undefined;
  readonly read: (count: number) => void;
  /** Called between two batches. */
  readonly between: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** One shard: every commit of its log against the rules, every head against its messages, every blob against its appointment. */
export class ShardAudit {
  readonly #stream: string;
  readonly #users: Map<UserId, UserRecord>;
  readonly #bookings: BookingTable;
  readonly #trackers: TrackerRecords;
  readonly #scans: ScanRules;
  readonly #edge: RightEdge;
  readonly #reader: AcceptanceReader;
  readonly #blobs: BlobWatch;
  readonly #userRules: UserRules;
  readonly #trackerRules: TrackerRules;
  readonly #earlier: EarlierEvents;
  readonly #heads: readonly ExpectedHead[];
  #nextHead = 0;
  #position: number;
  #digest: string;
  #lastTime: number;
  /** The size of the last head that was right. */
  #signedTo: number;
  #isForked = false;
  headsCompared = 0;
  notYetErased = 0;

  constructor(
    private readonly needs: ShardAuditNeeds,
    saved?: SavedShard,
  ) {
    const { shard, heads, signatures, policy, towerId, found, source, signal, through } = needs;
    this.#stream = towerStream(shard);
    this.#users = saved?.users ?? new Map();
    this.#bookings = new BookingTable(this.#users.values(), saved?.bookings);
    this.#trackers = new TrackerRecords(CROSSING_MS, saved?.trackers);
    this.#scans = new ScanRules(saved?.scans);
    this.#edge = RightEdge.restored(saved?.edge ?? []);
    this.#reader = new AcceptanceReader(shard);
    this.#position = saved?.position ?? 0;
    this.#digest = saved?.digest ?? '';
    this.#signedTo = saved?.signedTo ?? 0;
    this.#lastTime = saved?.lastTime ?? 0;
    this.#heads = heads.filter(({ size }) => size > this.#position);
    const bookings = this.#bookings;
    const beside = { source, shard, through: through.blobs, signatures, bookings, found, signal };
    this.#blobs = new BlobWatch(beside, saved?.leftBlobs);
    const records = { users: this.#users, bookings, trackers: this.#trackers };
    const { identities } = needs.chain;
    const rest = { scans: this.#scans, signatures, policy, towerId, identities, blobs: this.#blobs };
    this.#earlier = new EarlierEvents(source, this.#stream);
    const compare = (comparison: Comparison) => this.#earlier.add(comparison);
    this.#userRules = new UserRules({ stream: this.#stream, ...records, ...rest, compare });
    const mined = (position: number, txid: string, block: { readonly hash: string }, what: string) =>
      needs.claims?.push({ position, txid, block: block.hash, what });
    this.#trackerRules = new TrackerRules({ ...records, mined });
  }

  get position(): number {
    return this.#position;
  }

  get counts() {
    const { checked, signed, unsigned } = this.#blobs;
    return {
      messages: this.#position,
      signed_to: this.#signedTo,
      heads: this.headsCompared,
      users: this.#users.size,
      live_appointments: this.#bookings.live,
      trackers: this.#trackers.size,
      blobs_compared: checked,
      user_signatures_checked: signed,
      user_signatures_without_blob: unsigned,
      blobs_not_yet_erased: this.notYetErased,
    };
  }

  save(): SavedShard {
    return {
      position: this.#position,
      digest: this.#digest,
      edge: this.#edge.save(),
      users: this.#users,
      bookings: this.#bookings.save(),
      leftBlobs: this.#blobs.save(),
      trackers: this.#trackers.save(),
      scans: this.#scans.save(),
      signedTo: this.#signedTo,
      lastTime: this.#lastTime,
    };
  }

  /** Rejects with `MissingMessageError` where a message is not there, with `LogUnavailableError` if nothing can be read. */
  async run(): Promise<void> {
    const { source, through, signal, isEnough, signatures, read, between } = this.needs;
    let last: AuditMessage | undefined;
    for await (const batch of source.read(this.#stream, this.#position + 1, through.log, signal)) {
      for (const message of batch) {
        this.#apply(message);
        last = message;
        if (signatures.isFull) await signatures.room();
        if (isEnough()) return;
      }
      if (last) this.#digest = toHex(sha256(last.data));
      await this.#earlier.compare((...about) => this.#found(...about), signal);
      if (isEnough()) return;
      await this.#blobs.look();
      read(batch.length);
      await between();
    }
    for (const head of this.#heads.slice(this.#nextHead)) this.#rolledBack(head);
    if (!isEnough() && source.hasBlobs) await this.#checkBlobs();
  }

  #found(position: number, what: string, why: string, stream = this.#stream): void {
    this.needs.found({ stream, position, what, why });
  }

  #apply({ data, subject, position }: AuditMessage): void {
    this.#edge.add(leafHash(data));
    this.#position = position;
    const complain = (what: string, why: string) => this.#found(position, what, why);
    const commit = this.#read(data, subject, complain);
    if (commit) {
      const time = Date.parse(commit.time);
      this.#lastTime = Math.max(this.#lastTime, time);
      this.#judge(commit, { position, time, chain: this.needs.chain, complain });
    }
    this.#compareHeads(position, commit);
  }

  #read(data: Uint8Array, subject: string, complain: Place['complain']): ShardCommit | undefined {
    const acceptance = this.#reader.read(data, subject);
    if (acceptance) return acceptance.commit();
    try {
      const commit = decodeCommit(data);
      if (commit.aggregate.kind === 'chain' || aggregateSubject(commit.aggregate, this.needs.shard) !== subject) {
        complain('subject', `a commit of ${aggregateName(commit.aggregate)} on ${subject}`);
        return undefined;
      }
      return commit as ShardCommit;
    } catch (error) {
      if (!(error instanceof DamagedCommitError || error instanceof UnknownEventError)) throw error;
      complain('commit', error.message);
      return undefined;
    }
  }

  #judge(commit: ShardCommit, place: Place): void {
    if (isOf(commit, 'user')) {
      const { id } = commit.aggregate;
      const { shard, shards } = this.needs;
      if (!this.#users.has(id) && shardOf(id, shards) !== shard)
        place.complain('shard', `user ${id} belongs to shard ${shardOf(id, shards)}`);
      this.#userRules.apply(id, commit.events, place);
    } else if (isOf(commit, 'tracker')) this.#trackerRules.apply(commit.aggregate.id, commit.events, place);
    else if (isOf(commit, 'scan')) this.#scans.apply(commit.events, place);
  }

  #compareHeads(size: number, commit: ShardCommit | undefined): void {
    for (let head = this.#heads[this.#nextHead]; head && head.size <= size; head = this.#heads[this.#nextHead]) {
      this.#nextHead++;
      if (head.size < size || this.#isForked) continue;
      this.headsCompared++;
      const where = head.name ?? `the head at ${head.position} of CHECKPOINTS`;
      if (toHex(this.#edge.root()) !== head.root) {
        this.#isForked = true;
        const from = this.#signedTo + 1;
        const why = `messages ${from} to ${size} are not those over which the tower signed ${where}: the root is another one`;
        this.#found(from, 'root', why);
        continue;
      }
      const scanned =
        commit?.aggregate.kind === 'scan' ? commit.events.findLast(({ type }) => type === 'BlockScanned') : undefined;
      if (!scanned || !('hash' in scanned) || scanned.hash !== head.blockHash || scanned.height !== head.height)
        this.#found(size, 'head', `${where} names block ${head.blockHash}, which this message does not call evaluated`);
      this.#signedTo = size;
    }
  }

  #rolledBack({ size, name, position }: ExpectedHead): void {
    const where = name ?? `the head at ${position} of CHECKPOINTS`;
    this.#found(
      this.#position + 1,
      'rolled-back',
      `the tower signed ${where} over ${size} messages, and the log has ${this.#position}: it was set back`,
    );
  }

  async #checkBlobs(): Promise<void> {
    const { found, erasureMs, shard, isEnough } = this.needs;
    const loose = await this.#blobs.rest();
    const due = { wanted: this.#lastTime - erasureMs, never: this.#scans.sweptAt - erasureMs };
    for (const { position, since, wasWanted } of loose) {
      if (since >= (wasWanted ? due.wanted : due.never)) {
        this.notYetErased++;
        continue;
      }
      if (!(await this.#blobs.isThere(position))) continue;
      const why = wasWanted
        ? 'it is still there, though its appointment ended or got another one'
        : 'no appointment refers to it';
      found({ stream: blobStream(shard), position, what: 'blob-left', why });
      if (isEnough()) return;
    }
    const missing = [...this.#bookings.withoutBlob()];
    if (missing.length === 0) return;
    const settled = await this.#endedSince();
    // A replica may not have had it yet.
    for (const [id, { position, blob }] of missing)
      if (!settled.has(id) && !isEnough() && !(await this.#blobs.isThere(blob))) {
        const why = `the blob at ${blob} of ${blobStream(shard)} is gone, though appointment ${id} is live`;
        this.#found(position, 'blob-missing', why);
      }
  }

  /** What became of appointments after the last message that was looked at: their blobs may be gone by now. */
  async #endedSince(): Promise<ReadonlySet<AppointmentId>> {
    const { source, through, signal } = this.needs;
    const ids = new Set<AppointmentId>();
    const tail = await source.tail(this.#stream);
    for await (const batch of source.read(this.#stream, through.log + 1, tail, signal))
      for (const { data, subject, position } of batch) {
        const commit = this.#read(data, subject, (what, why) => this.#found(position, what, why));
        for (const event of commit?.events ?? []) if ('appointmentId' in event) ids.add(event.appointmentId);
      }
    return ids;
  }
}

const isOf = <Kind extends ShardCommit['aggregate']['kind']>(
  commit: ShardCommit,
  kind: Kind,
): commit is Extract<ShardCommit, { aggregate: { kind: Kind } }> => commit.aggregate.kind === kind;
