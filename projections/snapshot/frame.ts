import { createHash } from 'node:crypto';
import { z } from 'zod';
import { concat, sha256, toHex, utf8 } from '../../events/bytes.js';
import { Shard, TowerId } from '../../events/ids.js';
import { parseJson } from '../../events/json.js';
import { signatureRecord, signerIs } from '../../events/signing/message.js';
import { encodeZbase32 } from '../../events/signing/zbase32.js';

/**
 * The frame of a snapshot: what every one has around the state that is in it. To the byte, integers little-endian:
 *
 *     8   "ARGUSNAP"
 *     4   version of the format, 1
 *     4   length of the header
 *         header: JSON, see `Header`
 *         the sections that the header lists, one after another
 *    32   SHA-256 of all before
 *    65   the tower's signature of that (`signedText`): the record of a Lightning signed message
 *
 * Whoever can put a file where snapshots are kept has not the tower's key, so the signature is what makes one believed.
 */

const MAGIC = utf8('ARGUSNAP');
const FIXED = MAGIC.length + 8;
const DIGEST = 32;
const SIGNATURE = 65;

/** The version that is written. Each that was ever written is read, or known to be unreadable. */
export const FORMAT = 1;

/**
 * What the states in snapshots mean. It is raised whenever the same events come to give another state, or one with more in
 * it: then no older snapshot is what replay would give (`test/projections/snapshot/written.test.ts` finds out).
 */
export const FOLD = 3;

const whole = z.number().int().min(0);
const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

const Header = z.looseObject({
  kind: z.enum(['shard', 'chain']),
  fold: whole,
  tower: TowerId,
  network: z.string(),
  /** The stream that it is a fold of, and how far: SHA-256 of that message tells this log from any other. */
  stream: z.string(),
  shard: Shard,
  position: whole.min(1),
  messageSha256: sha256Hex,
  /** The newest signed tree head of the stream when it was made: its place in `CHECKPOINTS`, and what the next head calls it. */
  treeHead: z.looseObject({ position: whole.min(1), sha256: sha256Hex }).nullable(),
  /** The version of Argus that made it; for people. */
  madeBy: z.string(),
  /** What belongs to the kind. */
  numbers: z.record(z.string(), whole),
  /** The sections in their order, with their lengths in bytes. */
  sections: z.array(z.tuple([z.string(), whole])),
});
export type Header = z.infer<typeof Header>;

/** What a snapshot is of: all that its reader knows before it has read it. */
export type SnapshotSubject = Pick<Header, 'kind' | 'tower' | 'network' | 'stream' | 'shard'>;

/** What it was made at. */
export type SnapshotPlace = Pick<Header, 'position' | 'messageSha256' | 'madeBy' | 'treeHead'>;

/** A state in parts: numbers, and sections of bytes by name. */
export interface Parts<Bytes> {
  readonly numbers: Readonly<Record<string, number>>;
  readonly sections: ReadonlyMap<string, Bytes>;
}

/** Bytes that are no snapshot that can be used, and why not, for people. */
export class SnapshotError extends Error {
  readonly code = 'unfit-snapshot';
}

/** All of a snapshot but for its signature, in pieces, which are to be used up before the state changes; ends with its digest. */
export function* encodeFrame(
  subject: SnapshotSubject,
  place: SnapshotPlace,
  { numbers, sections }: Parts<readonly Uint8Array[]>,
): Generator<Uint8Array> {
  const lengths = Array.from(sections, ([name, pieces]) => [name, sum(pieces)]);
  const about = { ...subject, fold: FOLD, ...place, numbers, sections: lengths };
  const header = utf8(JSON.stringify(about satisfies Record<keyof Header, unknown>));
  const hash = createHash('sha256');
  for (const piece of [
    concat(MAGIC, le32(FORMAT), le32(header.length), header),
    ...Array.from(sections.values()).flat(),
  ]) {
    hash.update(piece);
    yield piece;
  }
  yield new Uint8Array(hash.digest());
}

/** What the tower signs: a text that no receipt can be. `digest`: the last 32 bytes of `encodeFrame`. */
export const signedText = (digest: Uint8Array): Uint8Array => utf8(`argus snapshot ${toHex(digest)}`);

/** What comes after the frame: the record of a signature. */
export function seal(signature: string): Uint8Array {
  const record = signatureRecord(signature);
  if (!record) throw new TypeError('not a signature');
  return record;
}

/** A snapshot that is whole and signed by its tower. */
export interface Snapshot extends Parts<Uint8Array> {
  readonly header: Header;
  /** What it is known by: SHA-256 of it, hex. */
  readonly digest: string;
}

/** Reads a snapshot of a subject. Throws `SnapshotError` if it is not whole, not of that, or not to be believed. */
export function readFrame(bytes: Uint8Array, subject: SnapshotSubject): Snapshot {
  if (bytes.length < FIXED + DIGEST + SIGNATURE) throw new SnapshotError(`it has only ${bytes.length} bytes`);
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) throw new SnapshotError('it is no snapshot');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(MAGIC.length, true);
  if (version > FORMAT) throw new SnapshotError(`a newer Argus wrote it: format ${version}`);
  if (version === 0) throw new SnapshotError('there is no format 0');
  const end = bytes.length - DIGEST - SIGNATURE;
  const digest = bytes.subarray(end, end + DIGEST);
  if (Buffer.compare(digest, sha256(bytes.subarray(0, end))) !== 0)
    throw new SnapshotError('its checksum is wrong: it is damaged, or not whole');
  const header = readHeader(bytes.subarray(FIXED, Math.min(end, FIXED + view.getUint32(MAGIC.length + 4, true))));
  assertIsOf(header, subject);
  if (!signerIs(signedText(digest), encodeZbase32(bytes.subarray(end + DIGEST)), subject.tower))
    throw new SnapshotError('the tower has not signed it');
  const sections = new Map<string, Uint8Array>();
  let at = FIXED + view.getUint32(MAGIC.length + 4, true);
  for (const [name, length] of header.sections) {
    sections.set(name, bytes.subarray(at, at + length));
    at += length;
  }
  if (at !== end) throw new SnapshotError('its sections are not as long as it says');
  return { header, digest: toHex(digest), numbers: header.numbers, sections };
}

function readHeader(bytes: Uint8Array): Header {
  try {
    return Header.parse(parseJson(bytes));
  } catch (cause) {
    throw new SnapshotError('its header cannot be read', { cause });
  }
}

function assertIsOf(header: Header, subject: SnapshotSubject): void {
  for (const field of ['tower', 'network', 'kind', 'stream', 'shard'] as const)
    if (header[field] !== subject[field])
      throw new SnapshotError(`it is of ${field} ${header[field]}, not ${subject[field]}`);
  if (header.fold !== FOLD)
    throw new SnapshotError('another version of Argus wrote it, which makes other states of a log');
}

const sum = (pieces: readonly Uint8Array[]): number => pieces.reduce((length, piece) => length + piece.length, 0);

function le32(n: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, n, true);
  return bytes;
}
