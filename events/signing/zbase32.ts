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
  const ascii = Buffer.from(text);
  // A character from outside ASCII is several bytes.
  if (ascii.length !== text.length) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  return decodeZbase32At(ascii, 0, bytes) ? bytes : undefined;
}

/** The same of a text that stands in ASCII among other bytes, as long as it takes for so many; whether there are such bytes. */
export function decodeZbase32At(text: Uint8Array, from: number, bytes: Uint8Array): boolean {
  const end = from + Math.ceil((bytes.length * 8) / 5);
  if (end > text.length) return false;
  let bad = 0;
  let i = from;
  let at = 0;
  for (; end - i >= 8; i += 8, at += 5) {
    const [high, low] = [twentyAt(text, i), twentyAt(text, i + 4)];
    bad |= high | low;
    bytes[at] = high >> 12;
    bytes[at + 1] = high >> 4;
    bytes[at + 2] = (high << 4) | (low >> 16);
    bytes[at + 3] = low >> 8;
    bytes[at + 4] = low;
  }
  return bad >= 0 && (i === end || decodeRest(text.subarray(i, end), bytes, at));
}

/** Four characters' bits, the first the most significant; negative if one of them is none of the alphabet. */
const twentyAt = (text: Uint8Array, at: number): number =>
  (fiveOf(text[at]) << 15) | (fiveOf(text[at + 1]) << 10) | (fiveOf(text[at + 2]) << 5) | fiveOf(text[at + 3]);

/** The five bits of a character; -1 for one that is none of the alphabet. */
const fiveOf = (code = 0): number => VALUES[code] ?? -1;

/** What comes after the last eight characters; whether it is what some bytes encode to. */
function decodeRest(text: Uint8Array, bytes: Uint8Array, from: number): boolean {
  let at = from;
  let held = 0;
  let bits = 0;
  for (const code of text) {
    const value = fiveOf(code);
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
