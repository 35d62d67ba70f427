import { z } from 'zod';
import { sha256, toHex, utf8 } from './bytes.js';
import { type Position, Shard } from './ids.js';

/**
 * The record of a trim: what the tower signs of a shard's stream when it is rebuilt without what an archive holds and nobody
 * needs any more. Which messages up to the cut are left, under which head all of them are, and what that head's root is.
 *
 * Its bytes are JSON with these fields, in this order and without spaces; as those of events they are a contract for ever.
 */

const Hash = z.string().regex(/^[0-9a-f]{64}$/, 'a hash is 64 lower-case hex digits');
const position = z.number().int().min(1);

export const TrimRecord = z.strictObject({
  v: z.literal(1),
  shard: Shard,
  /** The last position of the stretch: beyond it nothing is missing. A head is over exactly the messages up to it. */
  cut: position,
  /** The root of the tree over all messages up to the cut, those that are gone among them; SHA-256, as RFC 9162 has it. */
  root: Hash,
  /** That head: its place in `CHECKPOINTS`, and what the next head calls it. */
  head: z.strictObject({ position, sha256: Hash }),
  /** What is left up to the cut: how many messages, and SHA-256 of their positions as `encodePositions` writes them. */
  kept: z.strictObject({
    count: position,
    sha256: Hash,
    /** The messages of the same stream as this record that hold those bytes, from one through another. */
    first: position,
    last: position,
  }),
  /** That of the tower's first identity, by which its log is called, of `trimMessage`. */
  signature: z.string().regex(/^[a-km-uw-z13-9]{104}$/, 'a signature is 104 characters of zbase32'),
});
export type TrimRecord = z.infer<typeof TrimRecord>;
export type UnsignedTrim = Omit<TrimRecord, 'signature'>;

/** What is to be the record of a trim and is none. */
export class DamagedTrimError extends Error {
  readonly code = 'damaged-trim';
}

const fieldsOf = ({ v, shard, cut, root, head, kept }: UnsignedTrim): UnsignedTrim => ({
  v,
  shard,
  cut,
  root,
  head: { position: head.position, sha256: head.sha256 },
  kept: { count: kept.count, sha256: kept.sha256, first: kept.first, last: kept.last },
});

/** The bytes that the tower signs. Nothing else that it signs begins like them. */
export const trimMessage = (trim: UnsignedTrim): Uint8Array => utf8(`argus trim\n${JSON.stringify(fieldsOf(trim))}`);

export const encodeTrim = (trim: TrimRecord): Uint8Array =>
  utf8(JSON.stringify({ ...fieldsOf(TrimRecord.parse(trim)), signature: trim.signature }));

const Versioned = z.looseObject({ v: z.number().int().min(1) });

/** The record in a message's bytes. Throws `DamagedTrimError` if there is none, or it is of a version that is not known. */
export function decodeTrim(bytes: Uint8Array): TrimRecord {
  const json = parseJson(bytes);
  const { v = 0 } = Versioned.safeParse(json).data ?? {};
  if (v > 1) throw new DamagedTrimError(`a newer Argus wrote the record of a trim: version ${v}`);
  const trim = TrimRecord.safeParse(json);
  if (!trim.success) throw new DamagedTrimError('not the record of a trim', { cause: trim.error });
  if (toHex(encodeTrim(trim.data)) === toHex(bytes)) return trim.data;
  throw new DamagedTrimError('the record of a trim that is spelt otherwise');
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Ascending positions as bytes: of each how far it is from the one before it, the first from 0, in groups of seven bits, lowest
 * first, with the highest bit set in all groups but the last (LEB128).
 */
export function encodePositions(positions: Iterable<Position>): Uint8Array {
  const bytes: number[] = [];
  let before = 0;
  for (const position of positions) {
    let rest = position - before;
    if (rest < 1) throw new RangeError(`${position} does not come after ${before}`);
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
    bytes.push(rest);
    before = position;
  }
  return Uint8Array.from(bytes);
}

/** The positions in those bytes. Throws `DamagedTrimError` if they are none. */
export function* decodePositions(bytes: Uint8Array): Generator<Position> {
  let [position, step, weight] = [0, 0, 1];
  for (const byte of bytes) {
    step += (byte & 127) * weight;
    weight *= 128;
    if (byte >= 128) continue;
    position += step;
    if (step < 1 || !Number.isSafeInteger(position)) throw new DamagedTrimError('positions that do not ascend');
    yield position;
    [step, weight] = [0, 1];
  }
  if (weight > 1) throw new DamagedTrimError('positions that are cut short');
}

/** What the bytes of positions are known by: SHA-256, hex. */
export const positionsHash = (bytes: Uint8Array): string => toHex(sha256(bytes));

/** What is left of a trimmed stream: everything beyond the cut, and up to it these positions. */
export interface Trim {
  readonly cut: Position;
  /** As `encodePositions` has them; the cut is the last. */
  readonly kept: Uint8Array;
}

/** Which position comes after which, in a stream without gaps or in one that was trimmed, asked in ascending order. */
export class Succession {
  readonly #cut: Position;
  #kept: Generator<Position> | undefined;
  #due: Position = 0;

  constructor(trim?: Trim) {
    this.#cut = trim?.cut ?? 0;
    this.#kept = trim && decodePositions(trim.kept);
  }

  /** Throws `DamagedTrimError` if what is kept does not end with the cut. */
  after(position: Position): Position {
    if (position >= this.#cut) {
      this.#kept = undefined;
      return position + 1;
    }
    while (this.#due <= position) {
      const next = this.#kept?.next();
      if (!next || next.done || next.value > this.#cut)
        throw new DamagedTrimError(`what is kept does not end with ${this.#cut}`);
      this.#due = next.value;
    }
    return this.#due;
  }
}
