/**
 * Memory for secrets, and a secret key as hex digits, written and read without a text in between: a text cannot be wiped.
 */

/**
 * Bytes that stay where they are until they are wiped. An array that is made without a buffer of its own, and is small, lies
 * in memory that is tidied up by copying: each time that would leave behind another secret that nobody wipes.
 */
export const secretBytes = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(new ArrayBuffer(length));

const NEWLINE = 10;

/** The 64 digits of a key of 32 bytes, and the end of the line; the caller wipes them. */
export function digitsOf(secret: Uint8Array): Uint8Array {
  const digits = secretBytes(2 * secret.length + 1);
  for (const [i, byte] of secret.entries()) {
    digits[2 * i] = digit(byte >> 4);
    digits[2 * i + 1] = digit(byte & 15);
  }
  digits[2 * secret.length] = NEWLINE;
  return digits;
}

/** The 32 bytes of a key of 64 digits, in either case; undefined for anything else. The caller wipes them. */
export function secretOf(digits: Uint8Array): Uint8Array | undefined {
  if (digits.length !== 64) return undefined;
  const secret = secretBytes(32);
  for (let i = 0; i < 32; i++) {
    const [high, low] = [digitValue(digits[2 * i]), digitValue(digits[2 * i + 1])];
    if (high === undefined || low === undefined) {
      secret.fill(0);
      return undefined;
    }
    secret[i] = (high << 4) | low;
  }
  return secret;
}

/** `0` to `9`, then `a` to `f`. */
const digit = (value: number): number => (value < 10 ? 0x30 + value : 0x61 + value - 10);

function digitValue(digit = 0): number | undefined {
  if (digit >= 0x30 && digit <= 0x39) return digit - 0x30;
  const letter = digit | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : undefined;
}
