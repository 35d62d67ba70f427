import { randomBytes } from 'node:crypto';
import { fromHex } from '../events/bytes.js';
import type { AppointmentId, Locator, Position } from '../events/ids.js';
import type { Scheme, SchemeName } from '../events/schemes/scheme.js';
import type { SavedWatchlist } from './saved-watchlist.js';
import { SchemesInUse } from './schemes-in-use.js';
import type { Shelf } from './shelf.js';
import { Column } from './table/column.js';
import { type Fingerprint, keyedFingerprint } from './table/fingerprint.js';
import { FingerprintIndex } from './table/fingerprint-index.js';
import { hintFingerprints, TXID_BYTES } from './table/hint-fingerprints.js';

/** What is kept of an appointment while nothing happens to it: where the rest can be read. */
export interface Booked {
  /** The position of the commit that accepted its newest version, or that deleted it. */
  readonly position: Position;
  /** The position of that version's blob. */
  readonly blob: Position;
  /**
   * `live`: the tower acts on it. `rejected`: its breach came and its blob was of no use; it stays charged, so that
   * sending it again costs nothing more (design.md section 5). `deleted`: its user had it deleted; it waits for nothing, and
   * is only remembered so that the same request gets the same answer.
   */
  readonly status: 'live' | 'rejected' | 'deleted';
}

/** A transaction and an appointment that may wait for it; the id is 32 bytes in internal order. */
export interface Candidate {
  readonly txidInternal: Uint8Array;
  readonly booked: Booked;
  /** The scheme whose hint it was found by. */
  readonly scheme: SchemeName;
}

/** What an appointment is found by. */
export interface AppointmentKey {
  readonly appointmentId: AppointmentId;
  readonly locator: Locator;
}

type SchemedKey = AppointmentKey & { readonly scheme?: SchemeName };

/** The same as bytes: 20, and 16. Nobody keeps them. */
export interface KeyBytes {
  readonly appointmentId: Uint8Array;
  readonly locator: Uint8Array;
}

/** Positions have 35 bits: 34 thousand million. */
const MOST_POSITION = 2 ** 35 - 1;
/** The status, in the highest bits. */
const REJECTED = 0x80;
const DELETED = 0x40;
const FLAGS = { live: 0, rejected: REJECTED, deleted: DELETED } as const;
/** How many more of a list than it holds may be gone before it is gone through. */
const GONE = 32;

/** The words of an appointment in the column of words. */
const [NEXT, ID, POSITION, BLOB] = [0, 1, 2, 3];
const WORDS = 4;

/**
 * Every appointment of a shard that a transaction may be the breach of, in 28 bytes each: the fold of what users did.
 *
 * What it is found by, locator and appointment id, is kept as fingerprints under a secret key of the tower's nodes; who looks
 * a transaction up reads the commits at the positions it is given, and believes those. Two appointments are taken for
 * one if 72 bits of their fingerprints agree: once in a hundred million towers of ten million appointments.
 */
export class Watchlist {
  readonly #index: FingerprintIndex;
  readonly #words: Column;
  /** The higher three bits of both positions, and the status. */
  readonly #rest: Column;
  readonly #fingerprint: Fingerprint;
  readonly #key: Uint8Array;
  readonly #schemes: SchemesInUse;

  /** `saved`: what `save` gave of another one with this key. */
  constructor(key: Uint8Array = randomBytes(16), saved?: SavedWatchlist<Uint8Array>) {
    this.#index = new FingerprintIndex(saved?.index, saved?.columns);
    this.#words = new Column(Uint32Array, saved?.columns.words);
    this.#rest = new Column(Uint8Array, saved?.columns.rest);
    this.#fingerprint = keyedFingerprint(key);
    this.#key = key;
    this.#schemes = new SchemesInUse(saved?.schemes);
  }

  /** All that it is made of. The columns are views: to be used up before anything changes. */
  save(): SavedWatchlist<Iterable<Uint8Array>> {
    const { numbers: index, entries, heads } = this.#index.save();
    const words = this.#words.save(WORDS * index.given);
    const rest = this.#rest.save(index.given);
    return { key: this.#key, index, schemes: this.#schemes.names, columns: { entries, heads, words, rest } };
  }

  /** How many there are: live, or rejected or deleted and not forgotten. */
  get size(): number {
    return this.#index.size;
  }

  /** Who may wait for a transaction, under any scheme; its id is 32 bytes in internal order. */
  lookUp(txidInternal: Uint8Array): readonly Booked[] {
    if (this.size === 0) return NONE;
    let found = NONE;
    for (const scheme of this.#schemes) {
      const entries = this.#index.find(this.#fingerprint(scheme.hint(txidInternal)));
      if (entries.length > 0) found = found.concat(this.#waiting(entries));
    }
    return found;
  }

  /**
   * Who may wait for each of many transactions, such as a block's; their ids are 32 bytes each, in internal order, one after
   * another. Some in a thousand of a second for the largest block and ten million appointments.
   */
  lookUpAll(txidsInternal: Uint8Array): Candidate[] {
    if (this.size === 0) return [];
    const count = Math.floor(txidsInternal.length / TXID_BYTES);
    const schemes = Array.from(this.#schemes);
    const fingerprints = hintFingerprints(txidsInternal, schemes, this.#fingerprint);
    const found: Candidate[] = [];
    this.#index.findAll(fingerprints, (which, entry) => {
      const at = (which % count) * TXID_BYTES;
      const { name: scheme } = schemes[Math.floor(which / count)] as Scheme;
      for (const booked of this.#waiting([entry]))
        found.push({ txidInternal: txidsInternal.subarray(at, at + TXID_BYTES), booked, scheme });
    });
    return found;
  }

  /** Who may wait under a locator, whatever the scheme. */
  byLocator(locator: Locator): readonly Booked[] {
    return this.#waiting(this.#index.find(this.#fingerprint(fromHex(locator))));
  }

  /** An appointment; undefined if it ended or never was, and is not remembered. */
  get(key: AppointmentKey): Booked | undefined {
    const entry = this.#find(key);
    return entry === undefined ? undefined : this.#read(entry);
  }

  /** Those on a shelf, the deleted ones too, in the order in which they came. */
  *on(shelf: Readonly<Shelf>): Generator<Booked> {
    for (let link = shelf.first; link !== 0; link = this.#word(link - 1, NEXT))
      if (!this.#isGone(link - 1)) yield this.#read(link - 1);
  }

  /** Takes an appointment in, or its newer version in its place; gives what there was of it before. */
  accept(shelf: Shelf, key: SchemedKey, position: Position, blob: Position): Booked | undefined {
    return this.take(shelf, bytesOf(key), position, blob, key.scheme);
  }

  /** As `accept` does. It may be hidden with any scheme if none is named. */
  take(shelf: Shelf, key: KeyBytes, position: Position, blob: Position, scheme?: SchemeName): Booked | undefined {
    if (position > MOST_POSITION || blob > MOST_POSITION)
      throw new RangeError(`no such position: ${position}, ${blob}`);
    this.#schemes.add(scheme);
    const locator = this.#fingerprint(key.locator);
    const id = this.#idOf(key.appointmentId);
    const known = this.#findBoth(locator, id);
    const before = known === undefined ? undefined : this.#read(known);
    this.#write(known ?? this.#append(shelf, locator, id), position, blob, 'live');
    return before;
  }

  /**
   * Ends an appointment of a shelf, or has it be remembered as rejected or deleted; gives what there was of it before, if anything. The shelf is
   * gone through where the locator is not known.
   */
  end(
    shelf: Shelf,
    appointmentId: AppointmentId,
    locator: Locator | undefined,
    as: 'ended' | 'rejected' | { readonly deletedAt: Position },
  ): Booked | undefined {
    const entry = (locator && this.#find({ appointmentId, locator })) ?? this.#findOn(shelf, appointmentId);
    if (entry === undefined) return undefined;
    const before = this.#read(entry);
    if (as === 'ended') this.#remove(shelf, entry);
    else if (as === 'rejected') this.#write(entry, before.position, before.blob, 'rejected');
    else this.#write(entry, as.deletedAt, before.blob, 'deleted');
    return before;
  }

  /** Forgets those that were rejected or deleted. */
  forgetEnded(shelf: Shelf): void {
    for (let link = shelf.first; link !== 0; ) {
      const entry = link - 1;
      link = this.#word(entry, NEXT);
      if (!this.#isGone(entry) && this.#read(entry).status !== 'live') this.#takeOff(shelf, entry);
    }
    this.#tidy(shelf);
  }

  /** Those of some entries that may wait for a transaction. */
  #waiting(entries: readonly number[]): Booked[] {
    return entries.map((entry) => this.#read(entry)).filter(({ status }) => status !== 'deleted');
  }

  #find(key: AppointmentKey): number | undefined {
    const { appointmentId, locator } = bytesOf(key);
    return this.#findBoth(this.#fingerprint(locator), this.#idOf(appointmentId));
  }

  #findBoth(locator: number, id: number): number | undefined {
    return this.#index.find(locator).find((entry) => this.#word(entry, ID) === id);
  }

  #findOn(shelf: Shelf, appointmentId: AppointmentId): number | undefined {
    const id = this.#idOf(fromHex(appointmentId));
    for (let link = shelf.first; link !== 0; link = this.#word(link - 1, NEXT))
      if (this.#word(link - 1, ID) === id && !this.#isGone(link - 1)) return link - 1;
    return undefined;
  }

  #append(shelf: Shelf, locator: number, id: number): number {
    const entry = this.#index.add(locator);
    this.#words.set(WORDS * entry + NEXT, 0);
    this.#words.set(WORDS * entry + ID, id);
    if (shelf.last === 0) shelf.first = entry + 1;
    else this.#words.set(WORDS * (shelf.last - 1) + NEXT, entry + 1);
    shelf.last = entry + 1;
    shelf.held++;
    return entry;
  }

  #remove(shelf: Shelf, entry: number): void {
    this.#takeOff(shelf, entry);
    // Appointments mostly end in the order in which they came.
    while (shelf.first !== 0 && this.#isGone(shelf.first - 1)) this.#dropAfter(shelf, 0);
    if (shelf.gone > shelf.held + GONE) this.#tidy(shelf);
  }

  /** It cannot be found any more. Its entry is taken until the list is gone through. */
  #takeOff(shelf: Shelf, entry: number): void {
    this.#index.remove(entry);
    this.#write(entry, 0, 0, 'live');
    shelf.held--;
    shelf.gone++;
  }

  /** Gives the entries back that are gone. */
  #tidy(shelf: Shelf): void {
    for (let kept = 0, link = shelf.first; link !== 0; ) {
      const next = this.#word(link - 1, NEXT);
      if (this.#isGone(link - 1)) this.#dropAfter(shelf, kept);
      else kept = link;
      link = next;
    }
  }

  /** Takes the entry after one, given plus one, or the first after 0, off the list. */
  #dropAfter(shelf: Shelf, kept: number): void {
    const link = kept === 0 ? shelf.first : this.#word(kept - 1, NEXT);
    const next = this.#word(link - 1, NEXT);
    if (kept === 0) shelf.first = next;
    else this.#words.set(WORDS * (kept - 1) + NEXT, next);
    if (next === 0) shelf.last = kept;
    shelf.gone--;
    this.#index.giveBack(link - 1);
  }

  #isGone(entry: number): boolean {
    return this.#word(entry, POSITION) === 0 && (this.#rest.get(entry) & 7) === 0;
  }

  #read(entry: number): Booked {
    const rest = this.#rest.get(entry);
    return {
      position: (rest & 7) * 2 ** 32 + this.#word(entry, POSITION),
      blob: ((rest >>> 3) & 7) * 2 ** 32 + this.#word(entry, BLOB),
      status: rest & REJECTED ? 'rejected' : rest & DELETED ? 'deleted' : 'live',
    };
  }

  #write(entry: number, position: Position, blob: Position, status: Booked['status']): void {
    this.#words.set(WORDS * entry + POSITION, position);
    this.#words.set(WORDS * entry + BLOB, blob);
    const high = Math.floor(position / 2 ** 32) | (Math.floor(blob / 2 ** 32) << 3);
    this.#rest.set(entry, high | FLAGS[status]);
  }

  #word(entry: number, which: number): number {
    return this.#words.get(WORDS * entry + which);
  }

  /** 32 bits of an appointment's id. */
  #idOf(appointmentId: Uint8Array): number {
    return this.#fingerprint(appointmentId) >>> 0;
  }
}

const bytesOf = ({ appointmentId, locator }: AppointmentKey): KeyBytes => ({
  appointmentId: fromHex(appointmentId),
  locator: fromHex(locator),
});

const NONE: readonly Booked[] = [];
