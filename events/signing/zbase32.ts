/**
 * zbase32: bytes as text, five bits a character, the most significant bits first, with no padding character
 * (teos-protocol A2). A text whose last character has bits to spare holds zeros in them.
 */

const ALPHABET = 'ybndrfg8ejkmcpqxot1uwisza345h769';

/** The ASCII code of each of them. */
const CODES = Uint8Array.from(ALPHABET, (char) => char.charCodeAt(0));

/**
 * The five bits of each ASCII character. Upper case is listed by hand rather than folded by `toLowerCase`, which would let
 * in characters from outside ASCII, such as the Kelvin sign.
 */
const VALUES = new Int8Array(128).fill(-1);
for (const [value, char] of [...ALPHABET].entries())
  for (const either of [char, char.toUpperCase()]) VALUES[either.charCodeAt(0)] = value;

/** The zbase32 text of `bytes`: ceil(8n / 5) lower-case characters for n bytes, so 104 for a signature's 65. */
export function encodeZbase32(bytes: Uint8Array): string {
  const text = Buffer.allocUnsafe(Math.ceil((bytes.length * 8) / 5));
  let at = 0;
  let held = 0;
  let bits = 0;
  for (let i = 0; i < bytes.length; i++) {
    held = (held << 8) | (bytes[i] ?? 0);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text[at++] = CODES[held >> bits] ?? 0;
      held &= (1 << bits) - 1;
    }
  }
  if (bits > 0) text[at] = CODES[held << (5 - bits)] ?? 0;
  return text.toString('latin1');
}

/**
 * The bytes of a zbase32 text, in either case, or `undefined` for a text that no bytes encode to: a character outside
 * the alphabet, a length that no byte count gives (1, 3 or 6 modulo 8), spare bits that are not zero. Never throws.
 */
export function decodeZbase32(text: string): Uint8Array | undefined {
  const rest = text.length % 8;
  if (rest === 1 || rest === 3 || rest === 6) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  return decodeZbase32Into(text, bytes) ? bytes : undefined;
}

/** The same, of a text of that many characters, into memory that is there already; whether there are such bytes. */
export function decodeZbase32Into(text: string, bytes: Uint8Array): boolean {
  if (text.length !== Math.ceil((bytes.length * 8) / 5)) return false;
  const whole = text.length - (text.length % 8);
  let bad = 0;
  for (let i = 0, at = 0; i < whole; i += 8, at += 5) {
    const [high, low] = [twenty(text, i), twenty(text, i + 4)];
    bad |= high | low;
    bytes[at] = high >> 12;
    bytes[at + 1] = high >> 4;
    bytes[at + 2] = (high << 4) | (low >> 16);
    bytes[at + 3] = low >> 8;
    bytes[at + 4] = low;
  }
  return bad >= 0 && decodeRest(text, whole, bytes);
}

/** The same of a text that stands in ASCII among other bytes, of a record whose text has no spare bits; whether there is such a one. */
export function decodeZbase32At(text: Uint8Array, from: number, bytes: Uint8Array): boolean {
  if (bytes.length % 5 !== 0) throw new RangeError(`the text of ${bytes.length} bytes has spare bits`);
  let bad = 0;
  for (let i = from, at = 0; at < bytes.length; i += 8, at += 5) {
    const [high, low] = [twentyAt(text, i), twentyAt(text, i + 4)];
    bad |= high | low;
    bytes[at] = high >> 12;
    bytes[at + 1] = high >> 4;
    bytes[at + 2] = (high << 4) | (low >> 16);
    bytes[at + 3] = low >> 8;
    bytes[at + 4] = low;
  }
  return bad >= 0;
}

/** Four characters' bits, the first the most significant; negative if one of them is none of the alphabet. */
const twenty = (text: string, at: number): number =>
  (valueAt(text, at) << 15) | (valueAt(text, at + 1) << 10) | (valueAt(text, at + 2) << 5) | valueAt(text, at + 3);

const twentyAt = (text: Uint8Array, at: number): number =>
  (fiveOf(text[at]) << 15) | (fiveOf(text[at + 1]) << 10) | (fiveOf(text[at + 2]) << 5) | fiveOf(text[at + 3]);

const fiveOf = (code = 0): number => VALUES[code] ?? -1;

/** What comes after the last eight characters; whether it is what some bytes encode to. */
function decodeRest(text: string, from: number, bytes: Uint8Array): boolean {
  let at = (from * 5) / 8;
  let held = 0;
  let bits = 0;
  for (let i = from; i < text.length; i++) {
    const value = valueAt(text, i);
    if (value < 0) return false;
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >> bits;
      held &= (1 << bits) - 1;
    }
  }
  return held === 0;
}

/** The five bits of a character; -1 for one that is none of the alphabet. */
const valueAt = (text: string, at: number): number => VALUES[text.charCodeAt(at)] ?? -1;
