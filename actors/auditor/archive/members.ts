import { promisify } from 'node:util';
import { crc32, gunzip, gzip } from 'node:zlib';
import { concat, utf8 } from '../../../events/bytes.js';
import type { AuditMessage } from '../audit-source.js';

/**
 * What is behind the header of an archive file: gzip members, of which all but the last hold messages, some MB of them. Each says
 * in its extra field (RFC 1952, 2.3.1.1) how long it is and what is in it, so that nobody has to unpack what is not wanted:
 *
 *     10   the fixed part, with FEXTRA set
 *      2   20: the length of the extra field
 *      4   "AR" and 16: the subfield and its length
 *      4   length of the whole member
 *      4   how many messages are in it; 0 in the last member
 *      8   the position of the first of them; in the last member that after the last
 *          the packed text, CRC-32 and length of it
 *
 * The text of a message is a line `<position> <milliseconds since 1970> <subject> <length>`, its bytes as they are stored, and
 * a line feed. The text of the last member, which is not packed, is `sha256 <hex>` and a line feed: the hash of all before
 * the member. Integers are little-endian.
 */

const EXTRA = 16;
const FIXED = 10;
/** Where the packed text of a member begins. */
export const MEMBER_HEAD = FIXED + 2 + 4 + EXTRA;
/** No member is longer, packed or not, in bytes. */
export const MAX_MEMBER = 128 << 20;
/** From how many bytes on a member is full. */
export const MEMBER_BYTES = 1 << 20;

/** A member as its first bytes tell it. */
export interface Member {
  /** Its length in bytes. */
  readonly length: number;
  /** How many messages; 0 for the last member. */
  readonly count: number;
  /** The position of the first of them. */
  readonly first: number;
}

/** What the first bytes of a member tell; undefined if they are not those of a member. */
export function readMember(bytes: Uint8Array): Member | undefined {
  if (bytes.length < MEMBER_HEAD) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begins = [0x1f, 0x8b, 8, 4].every((byte, i) => bytes[i] === byte);
  if (!begins || view.getUint16(FIXED, true) !== EXTRA + 4 || view.getUint32(FIXED + 2, true) !== SUBFIELD)
    return undefined;
  const length = view.getUint32(FIXED + 6, true);
  const first = Number(view.getBigUint64(FIXED + 14, true));
  if (length <= MEMBER_HEAD || length > MAX_MEMBER || !Number.isSafeInteger(first)) return undefined;
  return { length, count: view.getUint32(FIXED + 10, true), first };
}

const SUBFIELD = 0x41 | (0x52 << 8) | (EXTRA << 16);

function memberHead(length: number, count: number, first: number): Uint8Array {
  const head = new Uint8Array(MEMBER_HEAD);
  const view = new DataView(head.buffer);
  head.set([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, UNKNOWN_SYSTEM]);
  view.setUint16(FIXED, EXTRA + 4, true);
  view.setUint32(FIXED + 2, SUBFIELD, true);
  view.setUint32(FIXED + 6, length, true);
  view.setUint32(FIXED + 10, count, true);
  view.setBigUint64(FIXED + 14, BigInt(first), true);
  return head;
}

const UNKNOWN_SYSTEM = 255;

const [pack, unpack] = [promisify(gzip), promisify(gunzip)];

/** The text of a message, in pieces. */
export const messageText = ({ position, time, subject, data }: AuditMessage): readonly Uint8Array[] => [
  utf8(`${position} ${time} ${subject} ${data.length}\n`),
  data,
  LINE_FEED,
];
const LINE_FEED = Uint8Array.of(0x0a);

/** A member with the texts of messages from a position on. */
export async function packMember(texts: readonly Uint8Array[], count: number, first: number): Promise<Uint8Array> {
  const packed = await pack(concat(...texts));
  const body = packed.subarray(FIXED); // zlib writes no more than the fixed part before it
  return concat(memberHead(MEMBER_HEAD + body.length, count, first), body);
}

/** The last member. Its bytes are given by the hash: whoever compares them needs no gzip. */
export function endMember(sha256Hex: string, next: number): Uint8Array {
  const text = utf8(`sha256 ${sha256Hex}\n`);
  const rest = new Uint8Array(5 + text.length + 8);
  const view = new DataView(rest.buffer);
  // One stored block (RFC 1951, 3.2.4), the last.
  view.setUint8(0, 1);
  view.setUint16(1, text.length, true);
  view.setUint16(3, ~text.length & 0xffff, true);
  rest.set(text, 5);
  view.setUint32(5 + text.length, crc32(text), true);
  view.setUint32(5 + text.length + 4, text.length, true);
  return concat(memberHead(END_BYTES, 0, next), rest);
}

const END_TEXT = 'sha256 '.length + 64 + 1;
/** The length of the last member. */
export const END_BYTES = MEMBER_HEAD + 5 + END_TEXT + 8;
const END_AT = MEMBER_HEAD + 5 + 'sha256 '.length;

/** The hash that a last member tells, and the position it says comes next; undefined if it is not one to the byte. */
export function readEnd(bytes: Uint8Array): { readonly sha256: string; readonly next: number } | undefined {
  const member = readMember(bytes);
  if (member?.count !== 0 || bytes.length !== END_BYTES) return undefined;
  const sha256 = Buffer.from(bytes.subarray(END_AT, END_AT + 64)).toString('latin1');
  const isSame = /^[0-9a-f]{64}$/.test(sha256) && Buffer.compare(endMember(sha256, member.first), bytes) === 0;
  return isSame ? { sha256, next: member.first } : undefined;
}

/** The messages in a whole member of a stream; undefined if they are not those that it says, or it cannot be unpacked. */
export async function unpackMember(bytes: Uint8Array, stream: string): Promise<AuditMessage[] | undefined> {
  const member = readMember(bytes);
  if (member?.length !== bytes.length) return undefined;
  const text = await unpack(bytes, { maxOutputLength: MAX_MEMBER }).catch(() => undefined);
  return text && readTexts(text, stream, member);
}

function readTexts(text: Buffer, stream: string, { count, first }: Member): AuditMessage[] | undefined {
  const messages: AuditMessage[] = [];
  let at = 0;
  for (let position = first; position < first + count; position++) {
    const end = text.indexOf(0x0a, at);
    const [, place, time, subject, length] = LINE.exec(text.toString('utf8', at, Math.max(at, end))) ?? [];
    const begin = end + 1;
    at = begin + Number(length) + 1;
    if (subject === undefined || Number(place) !== position || at > text.length || text[at - 1] !== 0x0a)
      return undefined;
    messages.push({ stream, position, subject, time: Number(time), data: text.subarray(begin, at - 1) });
  }
  return at === text.length ? messages : undefined;
}

const LINE = /^(\d{1,15}) (\d{1,15}) ([^ \n]+) (\d{1,9})$/;
