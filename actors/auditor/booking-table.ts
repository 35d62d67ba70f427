import { randomBytes } from 'node:crypto';
import type { AppointmentId, Height } from '../../events/ids.js';
import { Column } from '../../projections/table/column.js';
import { type Fingerprint, keyedFingerprint } from '../../projections/table/fingerprint.js';
import { FingerprintIndex } from '../../projections/table/fingerprint-index.js';
import type { UserRecord } from './user-record.js';

/** An appointment that somebody has, as an audit remembers it. */
export interface Booking {
  readonly owner: UserRecord;
  readonly slots: number;
  /** The position of the commit that accepted this version, and when that was stored. */
  readonly position: number;
  readonly time: number;
  /** The position of its blob, and what that must hash to: SHA-256, hex. */
  readonly blob: number;
  readonly sha256: string;
  /** Of the user's signature and `to_self_delay`, by which the very same request is known again. */
  readonly mark: number;
  readonly startBlock: Height;
  /** Of the receipt's signature, by which a user names the version that is to be deleted. */
  readonly receiptMark: number;
  readonly status: 'live' | 'rejected';
  /** Whether its blob was found. */
  readonly isThere: boolean;
}

/** Where in an entry what is, in words of four bytes. */
const [ID, SHA256, POSITION, TIME, BLOB, SLOTS, MARK, START, RECEIPT_MARK, OWNER, NEXT, BEFORE, FLAGS, WORDS] = [
  0, 5, 13, 15, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27,
];
const [REJECTED, THERE] = [1, 2];
const ID_WORDS = 5;
const HALF = 2 ** 32;
const NONE = -1;

/** A table between two audits: the words of each of its entries, each user's together, in the order in which they came. */
export type SavedBookings = Uint32Array<ArrayBuffer>;

/**
 * The appointments of a shard, in columns: as objects, a million of them are 800 MB, through which garbage is collected again and
 * again. What it gives is a copy of what it holds.
 */
export class BookingTable {
  readonly #index = new FingerprintIndex();
  readonly #fingerprint: Fingerprint = keyedFingerprint(randomBytes(16));
  readonly #words = new Column();
  /** By their numbers. */
  readonly #owners: UserRecord[] = [];
  /** For each user the first and the last of its appointments, plus one; 0 where there is none. */
  readonly #ends = new Column();
  /** What was asked for last, its bytes and its fingerprint, and its entry: it is asked for again at once. */
  #asked: AppointmentId | undefined;
  #entry = NONE;
  #print = 0;
  readonly #desk = Buffer.alloc(4 * (ID_WORDS + 8));
  readonly #view = new DataView(this.#desk.buffer, this.#desk.byteOffset, this.#desk.length);

  /** `saved`: what another one was, and its users; nothing is known of its blobs. */
  constructor(users: Iterable<UserRecord> = [], saved: SavedBookings = new Uint32Array()) {
    for (const user of users) this.#owners[user.number] = user;
    for (let from = 0; from < saved.length; from += WORDS) {
      const row = saved.subarray(from, from + WORDS);
      for (let i = 0; i < ID_WORDS; i++) this.#view.setUint32(4 * i, row[ID + i] ?? 0);
      const entry = this.#index.add(this.#fingerprint(this.#desk));
      for (const [which, value] of row.entries()) this.#put(entry, which, value);
      this.#put(entry, FLAGS, (row[FLAGS] ?? 0) & ~THERE);
      const owner = this.#owners[row[OWNER] ?? 0];
      if (owner) this.#join(entry, owner);
    }
  }

  save(): SavedBookings {
    const saved = new Uint32Array(WORDS * this.size);
    let at = 0;
    for (const entry of this.entries()) for (let i = 0; i < WORDS; i++) saved[at++] = this.#word(entry, i);
    return saved;
  }

  get size(): number {
    return this.#index.size;
  }

  get(id: AppointmentId): Booking | undefined {
    const entry = this.#find(id);
    return entry === NONE ? undefined : this.at(entry);
  }

  /** Adds an appointment, or replaces what is known of it. */
  set(id: AppointmentId, booking: Booking): void {
    const { owner, position, time, blob } = booking;
    let entry = this.#find(id);
    if (entry === NONE) {
      entry = this.#index.add(this.#print);
      for (let i = 0; i < ID_WORDS; i++) this.#put(entry, ID + i, this.#view.getUint32(4 * i));
      this.#entry = entry;
      this.#join(entry, owner);
    } else if (this.#word(entry, OWNER) !== owner.number) {
      this.#leave(entry);
      this.#join(entry, owner);
    }
    this.#desk.write(booking.sha256, 4 * ID_WORDS, 'hex');
    for (let i = 0; i < 8; i++) this.#put(entry, SHA256 + i, this.#view.getUint32(4 * (ID_WORDS + i)));
    this.#putWide(entry, POSITION, position);
    this.#putWide(entry, TIME, time);
    this.#putWide(entry, BLOB, blob);
    this.#put(entry, SLOTS, booking.slots);
    this.#put(entry, MARK, booking.mark);
    this.#put(entry, START, booking.startBlock);
    this.#put(entry, RECEIPT_MARK, booking.receiptMark);
    this.#put(entry, FLAGS, (booking.status === 'rejected' ? REJECTED : 0) | (booking.isThere ? THERE : 0));
  }

  delete(id: AppointmentId): void {
    const entry = this.#find(id);
    if (entry === NONE) return;
    this.#leave(entry);
    this.#index.remove(entry);
    this.#index.giveBack(entry);
    this.#asked = undefined;
  }

  reject(id: AppointmentId): void {
    const entry = this.#find(id);
    if (entry !== NONE) this.#put(entry, FLAGS, this.#word(entry, FLAGS) | REJECTED);
  }

  /** The blob of an appointment was found: of the version that was accepted there, if that is still the one. */
  foundBlob(id: AppointmentId, position: number): void {
    const entry = this.#find(id);
    if (entry !== NONE && this.#wide(entry, POSITION) === position)
      this.#put(entry, FLAGS, this.#word(entry, FLAGS) | THERE);
  }

  /** The ids of a user's appointments, in the order in which they came. The one that was given may be deleted meanwhile. */
  *of(user: UserRecord): Generator<AppointmentId> {
    let next = this.#ends.get(2 * user.number) - 1;
    while (next !== NONE) {
      const entry = next;
      next = this.#word(entry, NEXT) - 1;
      yield this.idOf(entry);
    }
  }

  /** All entries, each user's together; an entry is good until its appointment is deleted. */
  *entries(): Generator<number> {
    for (let owner = 0; owner < this.#owners.length; owner++)
      for (let entry = this.#ends.get(2 * owner) - 1; entry !== NONE; entry = this.#word(entry, NEXT) - 1) yield entry;
  }

  /** How many are live. */
  get live(): number {
    let live = 0;
    for (const entry of this.entries()) if ((this.#word(entry, FLAGS) & REJECTED) === 0) live++;
    return live;
  }

  /** Those that are live, and whose blob was not found. */
  *withoutBlob(): Generator<readonly [AppointmentId, Booking]> {
    for (const entry of this.entries())
      if ((this.#word(entry, FLAGS) & (REJECTED | THERE)) === 0) yield [this.idOf(entry), this.at(entry)];
  }

  at(entry: number): Booking {
    const owner = this.#owners[this.#word(entry, OWNER)];
    if (!owner) throw new TypeError(`there is no appointment ${entry}`);
    const flags = this.#word(entry, FLAGS);
    return {
      owner,
      slots: this.#word(entry, SLOTS),
      position: this.#wide(entry, POSITION),
      time: this.#wide(entry, TIME),
      blob: this.#wide(entry, BLOB),
      sha256: this.#hex(entry, SHA256, 8),
      mark: this.#word(entry, MARK),
      startBlock: this.#word(entry, START) as Height,
      receiptMark: this.#word(entry, RECEIPT_MARK),
      status: (flags & REJECTED) === 0 ? 'live' : 'rejected',
      isThere: (flags & THERE) !== 0,
    };
  }

  idOf(entry: number): AppointmentId {
    return this.#hex(entry, ID, ID_WORDS) as AppointmentId;
  }

  #find(id: AppointmentId): number {
    if (id === this.#asked) return this.#entry;
    this.#desk.write(id, 'hex');
    this.#asked = id;
    this.#print = this.#fingerprint(this.#desk);
    this.#entry = this.#index.find(this.#print).find((entry) => this.#isOnDesk(entry)) ?? NONE;
    return this.#entry;
  }

  #isOnDesk(entry: number): boolean {
    for (let i = 0; i < ID_WORDS; i++) if (this.#word(entry, ID + i) !== this.#view.getUint32(4 * i)) return false;
    return true;
  }

  /** Puts an entry behind the others of its owner. */
  #join(entry: number, owner: UserRecord): void {
    this.#owners[owner.number] = owner;
    const last = this.#ends.get(2 * owner.number + 1);
    this.#put(entry, OWNER, owner.number);
    this.#put(entry, BEFORE, last);
    this.#put(entry, NEXT, 0);
    if (last === 0) this.#ends.set(2 * owner.number, entry + 1);
    else this.#put(last - 1, NEXT, entry + 1);
    this.#ends.set(2 * owner.number + 1, entry + 1);
  }

  #leave(entry: number): void {
    const owner = this.#word(entry, OWNER);
    const [before, next] = [this.#word(entry, BEFORE), this.#word(entry, NEXT)];
    if (before === 0) this.#ends.set(2 * owner, next);
    else this.#put(before - 1, NEXT, next);
    if (next === 0) this.#ends.set(2 * owner + 1, before);
    else this.#put(next - 1, BEFORE, before);
  }

  #word(entry: number, which: number): number {
    return this.#words.get(WORDS * entry + which);
  }

  #put(entry: number, which: number, value: number): void {
    this.#words.set(WORDS * entry + which, value);
  }

  /** A whole number of more than 32 bits, which may be negative. */
  #wide(entry: number, which: number): number {
    return (this.#word(entry, which) | 0) * HALF + this.#word(entry, which + 1);
  }

  #putWide(entry: number, which: number, value: number): void {
    this.#put(entry, which, Math.floor(value / HALF));
    this.#put(entry, which + 1, value % HALF);
  }

  #hex(entry: number, from: number, words: number): string {
    const bytes = Buffer.allocUnsafe(4 * words);
    for (let i = 0; i < words; i++) bytes.writeUInt32BE(this.#word(entry, from + i), 4 * i);
    return bytes.toString('hex');
  }
}
