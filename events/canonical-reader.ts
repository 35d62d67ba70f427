/** A set of ASCII characters: 1 for each byte that is one of them. */
export type Alphabet = Uint8Array;

/** The alphabet of a text's characters. */
export const alphabetOf = (characters: string): Alphabet =>
  Uint8Array.from({ length: 256 }, (_, byte) => Number(characters.includes(String.fromCharCode(byte))));

/** A text of four ASCII characters or more, to be compared four at a time. */
export interface Literal {
  readonly length: number;
  /** Its characters, four to a word, little-endian; and the last four, some of which are in the word before. */
  readonly words: Int32Array;
  readonly last: number;
}

export function literal(text: string): Literal {
  const bytes = Buffer.from(text, 'latin1');
  const words = Int32Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => bytes.readInt32LE(4 * i));
  return { length: bytes.length, words, last: bytes.readInt32LE(bytes.length - 4) };
}

/** What a lower-case hex digit is worth; 16 for a byte that is none. */
const HEX = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(byte));
  return digit < 0 ? 16 : digit;
});
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/** So many digits are a safe integer, whatever they are. */
const MOST_DIGITS = 15;
const MOST_TEXT = 256;
const [ZERO, QUOTE, BACKSLASH] = [0x30, 0x22, 0x5c];

/**
 * Goes through bytes that are to be JSON as `JSON.stringify` writes it, of a shape known to the byte, from the first to the
 * last. What is otherwise has it fail, for good: what it gives from then on means nothing.
 */
export class CanonicalReader {
  #bytes: Uint8Array = new Uint8Array();
  #view = new DataView<ArrayBufferLike>(new ArrayBuffer(0));
  /** Where the bytes begin in the view. */
  #start = 0;
  #at = 0;
  #isGood = false;
  readonly #text = Buffer.alloc(MOST_TEXT);
  readonly #textView = new DataView(this.#text.buffer, this.#text.byteOffset, MOST_TEXT);

  /** Begins anew. */
  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#start = bytes.byteOffset;
    if (bytes.buffer !== this.#view.buffer) this.#view = new DataView(bytes.buffer);
    this.#at = 0;
    this.#isGood = true;
  }

  /** Whether all of it was as it had to be, and it is at its end. */
  isDone(): boolean {
    return this.#isGood && this.#at === this.#bytes.length;
  }

  /** Whether all of it was as it had to be, so far. */
  get isGood(): boolean {
    return this.#isGood;
  }

  /** How many bytes it has gone through. */
  get at(): number {
    return this.#at;
  }

  /** A number that tells one long hex text that comes next from most others, without going on. */
  peek(): number {
    const from = this.#start + this.#at;
    if (this.#at + 12 > this.#bytes.length) return 0;
    return (this.#view.getInt32(from + 4) ^ Math.imul(this.#view.getInt32(from + 8), 0x9e37_79b1)) & 0x3fff_ffff;
  }

  /** This very text. */
  literal({ length, words, last }: Literal): void {
    const at = this.#take(length);
    if (at < 0) return;
    const view = this.#view;
    const from = this.#start + at;
    let difference = view.getInt32(from + length - 4, true) ^ last;
    for (let i = 0; i < words.length; i++) difference |= view.getInt32(from + 4 * i, true) ^ (words[i] ?? 0);
    if (difference !== 0) this.#isGood = false;
  }

  /** One of these texts, of which none begins another; gives which, as its index, or -1. */
  either(texts: readonly Literal[]): number {
    if (!this.#isGood) return -1;
    const at = this.#at;
    for (const [which, text] of texts.entries()) {
      this.#at = at;
      this.#isGood = true;
      this.literal(text);
      if (this.#isGood) return which;
    }
    return -1;
  }

  /** This text, all characters of which are of an alphabet; four or more. */
  text(text: string, of: Alphabet): void {
    const length = this.#text.write(text, 'latin1');
    if (length !== text.length || length < 4) this.#isGood = false;
    const at = this.#at;
    this.characters(length, of);
    if (!this.#isGood) return;
    const from = this.#start + at;
    let difference = this.#view.getInt32(from + length - 4) ^ this.#textView.getInt32(length - 4);
    for (let i = 0; i + 4 <= length; i += 4) difference |= this.#view.getInt32(from + i) ^ this.#textView.getInt32(i);
    if (difference !== 0) this.#isGood = false;
  }

  /** Bytes in lower-case hex, as many as there is room for. */
  hex(into: Uint8Array): void {
    const at = this.#take(2 * into.length);
    if (at < 0) return;
    const view = this.#view;
    const from = this.#start + at;
    let bad = 0;
    for (let i = 0; i < into.length; i++) {
      const two = view.getUint16(from + 2 * i);
      const high = HEX[two >>> 8] ?? 16;
      const low = HEX[two & 0xff] ?? 16;
      bad |= high | low;
      into[i] = (high << 4) | low;
    }
    if (bad >= 16) this.#isGood = false;
  }

  /** So many characters of an alphabet. */
  characters(count: number, of: Alphabet): void {
    const at = this.#take(count);
    if (at < 0) return;
    const view = this.#view;
    const end = this.#start + at + count;
    let good = 1;
    let next = this.#start + at;
    for (; next + 4 <= end; next += 4) {
      const four = view.getInt32(next);
      good &= of[four & 0xff] ?? 0;
      good &= of[(four >>> 8) & 0xff] ?? 0;
      good &= of[(four >>> 16) & 0xff] ?? 0;
      good &= of[four >>> 24] ?? 0;
    }
    for (; next < end; next++) good &= of[view.getUint8(next)] ?? 0;
    if (good === 0) this.#isGood = false;
  }

  /** Text up to the next quotation mark: printable ASCII characters that need no escape; not none, and so many at the most. */
  name(most: number): void {
    const [bytes, begun] = [this.#bytes, this.#at];
    let at = begun;
    for (let byte = bytes[at] ?? 0; byte !== QUOTE; byte = bytes[++at] ?? 0)
      if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) break;
    if (at === begun || at - begun > most) this.#isGood = false;
    this.#at = at;
  }

  /** A whole number in a range, without a sign, an exponent or a leading zero. */
  number(least: number, most: number): number {
    const [bytes, begun] = [this.#bytes, this.#at];
    let [at, value] = [begun, 0];
    for (let digit = digitAt(bytes, at); digit <= 9; digit = digitAt(bytes, ++at)) value = 10 * value + digit;
    const digits = at - begun;
    const isPlain = digits === 1 || (digits <= MOST_DIGITS && digits > 1 && bytes[begun] !== ZERO);
    if (!isPlain || value < least || value > most) this.#isGood = false;
    this.#at = at;
    return value;
  }

  /** A time as `Date.toISOString` gives it. Fails also at the 29th of February: whether there was one is for others to tell. */
  time(): void {
    const at = this.#take(PATTERN.length);
    if (at < 0) return;
    const bytes = this.#bytes;
    let bad = 0;
    for (let i = 0; i < PATTERN.length; i++) {
      const [byte, wanted] = [bytes[at + i] ?? 0, PATTERN[i] ?? 0];
      bad |= wanted === ZERO ? Number(digitAt(bytes, at + i) > 9) : byte ^ wanted;
    }
    const two = (i: number) => 10 * digitAt(bytes, at + i) + digitAt(bytes, at + i + 1);
    const day = two(8);
    const isDay = day >= 1 && day <= (DAYS[two(5) - 1] ?? 0);
    if (bad !== 0 || !isDay || two(11) > 23 || two(14) > 59 || two(17) > 59) this.#isGood = false;
  }

  /** Goes on by so many bytes: where they begin; -1 if there are not so many, or it has failed before. */
  #take(count: number): number {
    const at = this.#at;
    this.#at = at + count;
    if (this.#isGood && this.#at <= this.#bytes.length) return at;
    this.#isGood = false;
    return -1;
  }
}

const PATTERN = Buffer.from('0000-00-00T00:00:00.000Z', 'latin1');

/** What a digit is worth; more than 9 for a byte that is none, or is not there. */
const digitAt = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) - ZERO) >>> 0;
