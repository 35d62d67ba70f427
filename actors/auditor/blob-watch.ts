import type { AppointmentId, Shard, UserId } from '../../events/ids.js';
import { blobHash } from '../../events/log/blobs.js';
import { blobStream, towerStream } from '../../events/log/streams.js';
import type { AppointmentAccepted } from '../../events/user.js';
import type { AuditMessage, AuditSource } from './audit-source.js';
import type { Booking, BookingTable } from './booking-table.js';
import type { Finding } from './findings.js';
import { PositionMap } from './position-map.js';
import type { SignatureChecks } from './signature-checks.js';

/** How many bytes of blobs are held that no commit has referred to yet. */
const HELD_BYTES = 64 << 20;
/** So many of them are read before they are referred to: what finds its blob at once is garbage at once. */
const READY = 500;
/** From so many on it is looked which of those that nobody wants are gone, and need not be remembered. */
const MANY_UNWANTED = 10_000;

/** A blob that is there, and that no live appointment is known to refer to. */
export interface LooseBlob {
  readonly position: number;
  /** When it was stored; or, of one that was an appointment's, when that ended or got another. */
  readonly since: number;
  readonly wasWanted: boolean;
}

/**
 * What no appointment refers to any more, between two audits: of each blob, unless it is gone, its position and since when, in
 * turn. Without it the next audit would think that no appointment ever did, and that it should have been erased long ago.
 */
export type SavedBlobs = Float64Array<ArrayBuffer>;

export interface BlobWatchNeeds {
  readonly source: Pick<AuditSource, 'remaining'>;
  readonly shard: Shard;
  /** The last position that is looked at. */
  readonly through: number;
  readonly signatures: Pick<SignatureChecks, 'appointment'>;
  /** Is told which blobs are there; those of its appointments that are in it at first were accepted in an earlier audit. */
  readonly bookings: BookingTable;
  readonly found: (finding: Finding) => void;
  readonly signal: AbortSignal;
}

/**
 * Goes through the blobs of a shard beside its log: they come in nearly the order in which commits refer to them. What comes is
 * held until it is referred to, and then compared with what the commit says, and with what its user signed.
 */
export class BlobWatch {
  readonly #stream: string;
  /** What stands before a user's id in the subject of its blobs. */
  readonly #prefix: string;
  #held = new Map<number, AuditMessage>();
  #heldBytes = 0;
  /** What was held for too long: it is read again if it is asked for. */
  readonly #dropped = new PositionMap<{ readonly time: number }>();
  readonly #loose = new PositionMap<LooseBlob>();
  /** What no appointment refers to any more, before it was seen whether it is there: since when. */
  readonly #unwanted = new PositionMap<number>();
  #manyUnwanted = MANY_UNWANTED;
  /** What is asked for next, in order. */
  #expected: { readonly booking: Booking; readonly event: AppointmentAccepted }[] = [];
  readonly #batches: AsyncIterator<readonly AuditMessage[]>;
  #position = 0;
  /** The entries of appointments that were accepted in an earlier audit, by their blobs. */
  readonly #earlier = new PositionMap<number>();
  /** How many were compared, and how many of those signed by their users. */
  checked = 0;
  signed = 0;
  unsigned = 0;

  constructor(
    private readonly needs: BlobWatchNeeds,
    saved: SavedBlobs = new Float64Array(),
  ) {
    this.#stream = blobStream(needs.shard);
    this.#prefix = `argus.${needs.shard}.blob.`;
    for (const entry of needs.bookings.entries()) {
      const { status, blob } = needs.bookings.at(entry);
      if (status === 'live' && blob <= needs.through) this.#earlier.set(blob, entry);
    }
    for (let i = 0; i < saved.length; i += 2) this.left({ blob: saved[i] ?? 0, isThere: false }, saved[i + 1] ?? 0);
    const { source, through, signal } = needs;
    this.#batches = source.remaining(this.#stream, 1, through, signal)[Symbol.asyncIterator]();
  }

  save(): SavedBlobs {
    this.#forgetWhatIsGone();
    const saved = new Float64Array(2 * (this.#loose.size + this.#unwanted.size));
    let at = 0;
    for (const [position, { since }] of this.#loose) saved.set([position, since], 2 * at++);
    for (const row of this.#unwanted) saved.set(row, 2 * at++);
    return saved;
  }

  /** An appointment refers to a blob: it is compared at once if it came already, else looked for by `look`. */
  expect(booking: Booking, event: AppointmentAccepted): void {
    const message = this.#held.get(booking.blob);
    if (message) this.#found(booking, message, event);
    else this.#expected.push({ booking, event });
  }

  /** An appointment does not refer to its blob any more, since a time. */
  left({ blob: position, isThere }: Pick<Booking, 'blob' | 'isThere'>, since: number): void {
    this.#earlier.delete(position);
    if (isThere) this.#loose.set(position, { position, since, wasWanted: true });
    else if (this.#mayCome(position)) this.#unwanted.set(position, since);
    if (this.#unwanted.size >= this.#manyUnwanted) this.#forgetWhatIsGone();
  }

  /** Whether a blob that was not found may be there: what was read, and is not at hand any more, was compared, or was not there. */
  #mayCome(position: number): boolean {
    const isAhead = position > this.#position && position <= this.needs.through;
    return isAhead || this.#held.has(position) || this.#dropped.has(position);
  }

  /** There is one for nearly every appointment that ever ended: without this they would be as many as the log is long. */
  #forgetWhatIsGone(): void {
    for (const [position] of this.#unwanted) if (!this.#mayCome(position)) this.#unwanted.delete(position);
    this.#manyUnwanted = Math.max(MANY_UNWANTED, 2 * this.#unwanted.size);
  }

  /** Looks for what is expected, and reads a little further. */
  async look(): Promise<void> {
    const expected = this.#expected;
    this.#expected = [];
    for (const { booking, event } of expected) {
      while (booking.blob > this.#position && this.#position < this.needs.through) await this.#advance();
      const message = this.#held.get(booking.blob) ?? (await this.#again(booking.blob));
      if (!message) {
        this.unsigned++;
        continue;
      }
      this.#found(booking, message, event);
    }
    while (this.#held.size < READY && this.#position < this.needs.through) await this.#advance();
  }

  #found(booking: Booking, message: AuditMessage, event: AppointmentAccepted): void {
    this.#take(booking.blob, message);
    this.#compare(event.appointmentId, booking, message, event);
    this.#leftAlready(booking.blob);
  }

  /** A blob was found to be there that an appointment had referred to, and does not any more. */
  #leftAlready(blob: number): void {
    const since = this.#unwanted.get(blob);
    if (since === undefined) return;
    this.#unwanted.delete(blob);
    this.left({ blob, isThere: true }, since);
  }

  /** Reads to the end; gives the blobs that are there and that nobody refers to. */
  async rest(): Promise<readonly LooseBlob[]> {
    await this.look();
    while (this.#position < this.needs.through) await this.#advance();
    const unclaimed = [...this.#held, ...this.#dropped].map(([position, { time }]) => {
      const since = this.#unwanted.get(position);
      return { position, since: since ?? time, wasWanted: since !== undefined };
    });
    const left = Array.from(this.#loose, ([, blob]) => blob);
    return [...left, ...unclaimed].sort((a, b) => a.position - b.position);
  }

  /** Whether a blob is there now. */
  async isThere(position: number): Promise<boolean> {
    return (await this.#readOne(position)) !== undefined;
  }

  async #again(position: number): Promise<AuditMessage | undefined> {
    return this.#dropped.has(position) ? this.#readOne(position) : undefined;
  }

  async #readOne(position: number): Promise<AuditMessage | undefined> {
    const { source, signal } = this.needs;
    for await (const [message] of source.remaining(this.#stream, position, position, signal)) return message;
    return undefined;
  }

  async #advance(): Promise<void> {
    const { value: batch, done } = await this.#batches.next();
    if (done || !batch) {
      this.#position = this.needs.through;
      return;
    }
    for (const message of batch) {
      this.#position = message.position;
      const earlier = this.#earlier.get(message.position);
      if (earlier !== undefined) {
        const { bookings } = this.needs;
        this.#earlier.delete(message.position);
        this.#compare(bookings.idOf(earlier), bookings.at(earlier), message);
        this.#leftAlready(message.position);
      } else {
        this.#held.set(message.position, message);
        this.#heldBytes += message.data.length;
      }
    }
    for (const [position, message] of this.#held) {
      if (this.#heldBytes <= HELD_BYTES) break;
      this.#take(position, message);
      this.#dropped.set(position, { time: message.time });
    }
  }

  #take(position: number, { data }: AuditMessage): void {
    if (this.#held.delete(position)) this.#heldBytes -= data.length;
    this.#dropped.delete(position);
  }

  #compare(
    appointment: AppointmentId,
    booking: Booking,
    { position, subject, data }: AuditMessage,
    event?: AppointmentAccepted,
  ): void {
    const { shard, found, signatures, bookings } = this.needs;
    const { id } = booking.owner;
    const wrong = (why: string) => found({ stream: this.#stream, position, what: 'blob', why });
    this.checked++;
    bookings.foundBlob(appointment, booking.position);
    if (!this.#isOf(subject, id)) wrong(`it is on ${subject}, and is the blob of an appointment of ${id}`);
    if (blobHash(data) !== booking.sha256)
      wrong(`it is not the blob that message ${booking.position} accepted: SHA-256 is another one`);
    else if (event) {
      const { locator, toSelfDelay, userSignature, blob } = event;
      if (data.length !== blob.size)
        wrong(`it has ${data.length} bytes, and message ${booking.position} says ${blob.size}`);
      const place = { stream: towerStream(shard), position: booking.position, of: 'the appointment' };
      signatures.appointment({ locator, encryptedBlob: data, toSelfDelay }, userSignature, id, place);
      this.signed++;
    }
  }

  #isOf(subject: string, userId: UserId): boolean {
    const prefix = this.#prefix;
    const isAsLong = subject.length === prefix.length + userId.length;
    return isAsLong && subject.startsWith(prefix) && subject.endsWith(userId);
  }
}
