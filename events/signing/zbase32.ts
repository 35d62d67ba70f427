/**
 * zbase32: bytes as text, five bits a character, the most significant bits first, with no padding character
 * (teos-protocol A2). A text whose last character has bits to spare holds zeros in them.
 */

const ALPHABET = 'ybndrfg8ejkmcpqxot1uwisza345h769';

/** The ASCII code of each of them. */
const CODES = Uint8Array.from(ALPHABET, (char) => char.charCodeAt(0));

const NONE = 255;

/**
 * The five bits of each ASCII character. Upper case is listed by hand rather than folded by `toLowerCase`, which would let
 * in characters from outside ASCII, such as the Kelvin sign.
 */
const VALUES = new Uint8Array(128).fill(NONE);
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
  if ([1, 3, 6].includes(text.length % 8)) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let at = 0;
  let held = 0;
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? NONE;
    if (value === NONE) return undefined;
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >> bits;
      held &= (1 << bits) - 1;
    }
  }
  return held === 0 ? bytes : undefined;
}
