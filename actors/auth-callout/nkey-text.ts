/**
 * nkeys as text: base32 (RFC 4648) of a byte that says what kind of key it is, the 32 bytes of the key, and a CRC-16.
 * https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth
 */

/** The first byte, hence the first letter: `A...` is an account, `U...` a user. */
const KINDS = { account: 0 << 3, user: 20 << 3 } as const;

export type NkeyKind = keyof typeof KINDS;

export function nkeyText(kind: NkeyKind, key: Uint8Array): string {
  const body = [KINDS[kind], ...key];
  const check = crc16(body);
  const letters = regroup([...body, check & 0xff, check >> 8], 8, 5);
  return letters.map((value) => ALPHABET[value]).join('');
}

/** The 32 bytes of the key that a text is of; undefined if it is not one of that kind, letter for letter. */
export function readNkey(kind: NkeyKind, text: string): Uint8Array | undefined {
  if (!NKEY.test(text)) return undefined;
  const values = Array.from(text, (letter) => ALPHABET.indexOf(letter));
  const key = Uint8Array.from(regroup(values, 5, 8).slice(1, 33));
  return nkeyText(kind, key) === text ? key : undefined;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const NKEY = /^[A-Z2-7]{56}$/;

/** Numbers of some bits each as the same bits in numbers of others; here nothing is ever left over. */
function regroup(values: readonly number[], from: number, to: number): number[] {
  const regrouped: number[] = [];
  let [held, bits] = [0, 0];
  for (const value of values) {
    held = ((held << from) | value) & 0xffff;
    for (bits += from; bits >= to; ) {
      bits -= to;
      regrouped.push((held >> bits) & ((1 << to) - 1));
    }
  }
  return regrouped;
}

/** CRC-16/XMODEM */
function crc16(bytes: readonly number[]): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : crc << 1;
  }
  return crc;
}
