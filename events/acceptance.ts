import { aggregateSubject, userAggregate } from './aggregate.js';
import { toHex } from './bytes.js';
import { alphabetOf, CanonicalReader, type Literal, literal } from './canonical-reader.js';
import type { UserCommit } from './commit.js';
import type { AppointmentId, CommitId, Height, Locator, Shard, UserId } from './ids.js';
import { SchemeName } from './schemes/scheme.js';
import type { AppointmentAccepted } from './user.js';

/**
 * The commonest commit by far, read from its bytes: one `AppointmentAccepted` of a user, alone, in the very bytes that
 * `encodeCommit` writes for it.
 *
 * It is a view of those bytes, and good until its reader reads the next.
 */
export interface Acceptance extends Pick<AppointmentAccepted, 'type' | 'slotsLeft' | 'startBlock'> {
  readonly userId: UserId;
  readonly scheme: SchemeName | undefined;
  /** The position of the blob. */
  readonly blob: number;
  /** What the appointment is found by: 20 bytes and 16. */
  readonly key: { readonly appointmentId: Uint8Array; readonly locator: Uint8Array };
  appointmentId(): AppointmentId;
  /** All of it, as `decodeCommit` gives it. */
  commit(): UserCommit;
}

/**
 * Reads acceptances, several times as fast as `decodeCommit` does, and checks all that it checks. Whatever is not to the
 * byte as it must be is declined: it is for `decodeCommit` to read, or to say what is wrong with it.
 */
export class AcceptanceReader implements Acceptance {
  readonly type = 'AppointmentAccepted';
  readonly key = { appointmentId: new Uint8Array(20), locator: new Uint8Array(16) };
  userId = '' as UserId;
  scheme: SchemeName | undefined;
  slotsLeft = 0;
  startBlock = 0 as Height;
  blob = 0;
  #slots = 0;
  #toSelfDelay = 0;
  #size = 0;
  /** Where what is told of the event begins. */
  #event = 0;
  readonly #reader = new CanonicalReader();
  #bytes: Uint8Array = new Uint8Array();

  /** By a few characters of their ids. */
  readonly #known = new Map<number, Known>();
  /** What stands before a user's id in its subject. */
  readonly #subject: string;

  constructor(shard: Shard) {
    this.#subject = aggregateSubject(userAggregate('' as UserId), shard);
  }

  /** The acceptance in a message of this subject; undefined if it is anything else, or stands on another's subject. */
  read(bytes: Uint8Array, subject: string): Acceptance | undefined {
    const reader = this.#reader;
    reader.begin(bytes);
    reader.literal(ID);
    reader.characters(32, HEX);
    reader.literal(AGGREGATE);
    const userId = this.#user(subject);
    if (userId === undefined) return undefined;
    reader.literal(TIME);
    reader.time();
    reader.literal(NODE);
    reader.name(200);
    reader.literal(EVENT);
    this.#event = reader.at;
    reader.hex(this.key.appointmentId);
    reader.literal(LOCATOR);
    reader.hex(this.key.locator);
    reader.literal(SCHEME);
    this.scheme = SchemeName.options[reader.either(SCHEMES)];
    reader.literal(SLOTS);
    this.#slots = reader.number(0, MOST);
    reader.literal(SLOTS_LEFT);
    this.slotsLeft = reader.number(0, MOST);
    reader.literal(START_BLOCK);
    this.startBlock = reader.number(0, MOST) as Height;
    reader.literal(TO_SELF_DELAY);
    this.#toSelfDelay = reader.number(0, MOST);
    reader.literal(BLOB);
    this.blob = reader.number(1, Number.MAX_SAFE_INTEGER);
    reader.literal(SHA256);
    reader.characters(64, HEX);
    reader.literal(SIZE);
    this.#size = reader.number(1, Number.MAX_SAFE_INTEGER);
    reader.literal(USER_SIGNATURE);
    reader.characters(104, ZBASE32_OF_EITHER_CASE);
    reader.literal(RECEIPT_SIGNATURE);
    reader.characters(104, ZBASE32);
    reader.literal(END);
    if (!reader.isDone()) return undefined;
    this.#bytes = bytes;
    this.userId = userId;
    return this;
  }

  /** The user whose id comes next, and on whose subject it is to stand; undefined if that cannot be. */
  #user(subject: string): UserId | undefined {
    const reader = this.#reader;
    const key = reader.peek();
    const known = this.#known.get(key);
    if (known?.subject === subject) {
      reader.literal(known.text);
      return known.id;
    }
    if (!subject.startsWith(this.#subject)) return undefined;
    const id = subject.slice(this.#subject.length) as UserId;
    if (id.length !== 66 || !(id.startsWith('02') || id.startsWith('03'))) return undefined;
    reader.text(id, HEX);
    if (known === undefined && this.#known.size < MOST_KNOWN && reader.isGood)
      this.#known.set(key, { subject, id: flat(id), text: literal(id) });
    return id;
  }

  appointmentId(): AppointmentId {
    return toHex(this.key.appointmentId) as AppointmentId;
  }

  /** Of the bytes that were read: where a text is follows from where others are. */
  commit(): UserCommit {
    const bytes = this.#bytes;
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const text = (from: number, length: number) => all.toString('latin1', from, from + length);
    const time = ID.length + 32 + AGGREGATE.length + 66 + TIME.length;
    const node = time + 24 + NODE.length;
    const receiptSignature = bytes.length - END.length - 104;
    const userSignature = receiptSignature - RECEIPT_SIGNATURE.length - 104;
    const sha256 = userSignature - USER_SIGNATURE.length - String(this.#size).length - SIZE.length - 64;
    const event: AppointmentAccepted = {
      type: this.type,
      appointmentId: text(this.#event, 40) as AppointmentId,
      locator: text(this.#event + 40 + LOCATOR.length, 32) as Locator,
      scheme: this.scheme as SchemeName,
      slots: this.#slots,
      slotsLeft: this.slotsLeft,
      startBlock: this.startBlock,
      toSelfDelay: this.#toSelfDelay,
      blob: { position: this.blob, sha256: text(sha256, 64), size: this.#size },
      userSignature: text(userSignature, 104),
      receiptSignature: text(receiptSignature, 104),
    };
    return {
      id: text(ID.length, 32) as CommitId,
      time: text(time, 24),
      node: text(node, this.#event - EVENT.length - node),
      aggregate: { kind: 'user', id: this.userId },
      events: [event],
    };
  }
}

/** The same text, no longer a part of another: that is slow to look up by. */
const flat = (id: UserId): UserId => Buffer.from(id, 'latin1').toString('latin1') as UserId;

/** A user that was met before. */
interface Known {
  readonly subject: string;
  readonly id: UserId;
  readonly text: Literal;
}

/** How many users a reader knows by heart, some 400 bytes each; the others take a little longer. */
const MOST_KNOWN = 4096;
const MOST = 0xffffffff;
const HEX = alphabetOf('0123456789abcdef');
const ZBASE32 = alphabetOf('ybndrfg8ejkmcpqxot1uwisza345h769');
const ZBASE32_OF_EITHER_CASE = alphabetOf('ybndrfg8ejkmcpqxot1uwisza345h769YBNDRFGEJKMCPQXOTUWISZAH');
const SCHEMES = SchemeName.options.map(literal);

/** The text between the parts. */
const ID = literal('{"id":"');
const AGGREGATE = literal('","aggregate":"user/');
const TIME = literal('","time":"');
const NODE = literal('","node":"');
const EVENT = literal('","events":[{"type":"AppointmentAccepted","v":1,"appointmentId":"');
const LOCATOR = literal('","locator":"');
const SCHEME = literal('","scheme":"');
const SLOTS = literal('","slots":');
const SLOTS_LEFT = literal(',"slotsLeft":');
const START_BLOCK = literal(',"startBlock":');
const TO_SELF_DELAY = literal(',"toSelfDelay":');
const BLOB = literal(',"blob":{"position":');
const SHA256 = literal(',"sha256":"');
const SIZE = literal('","size":');
const USER_SIGNATURE = literal('},"userSignature":"');
const RECEIPT_SIGNATURE = literal('","receiptSignature":"');
const END = literal('"}]}');
