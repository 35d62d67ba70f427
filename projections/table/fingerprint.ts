/**
 * 40 bits of 16 bytes under a secret key of 16 bytes, as a whole number: Chaskey with 8 rounds (Mouha et al., SAC 2014),
 * a message authentication code for small words, of a message of one block.
 *
 * Whoever does not know the key cannot choose bytes whose fingerprints collide more often than chance has it.
 */
export type Fingerprint = (bytes: Uint8Array) => number;

const ROUNDS = 8;

export function keyedFingerprint(key: Uint8Array): Fingerprint {
  if (key.length !== 16) throw new RangeError(`a key is 16 bytes, not ${key.length}`);
  const [k0, k1, k2, k3] = [word(key, 0), word(key, 4), word(key, 8), word(key, 12)];
  // The subkey of a last block that is full: the key times two in GF(2^128).
  const s0 = (k0 << 1) ^ (k3 < 0 ? 0x87 : 0);
  const s1 = (k1 << 1) | (k0 >>> 31);
  const s2 = (k2 << 1) | (k1 >>> 31);
  const s3 = (k3 << 1) | (k2 >>> 31);
  return (bytes) => {
    let v0 = word(bytes, 0) ^ k0 ^ s0;
    let v1 = word(bytes, 4) ^ k1 ^ s1;
    let v2 = word(bytes, 8) ^ k2 ^ s2;
    let v3 = word(bytes, 12) ^ k3 ^ s3;
    for (let round = 0; round < ROUNDS; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 13) | (v3 >>> 19)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 7) | (v1 >>> 25)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    return ((v0 ^ s0) >>> 0) + ((v1 ^ s1) & 0xff) * 0x1_0000_0000;
  };
}

/** Four bytes from an offset on, little-endian, as a signed number; bytes that are not there are 0. */
const word = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
