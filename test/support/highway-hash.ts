/** HighwayHash-64 (Alakuijala, Cox, Wassenberg, arXiv:1612.06257), by which nats-server knows its records again. Little-endian, 8 bytes. */

const MASK = (1n << 64n) - 1n;
const LOW = 0xffff_ffffn;
const MUL0 = [0xdbe6d5d5fe4cce2fn, 0xa4093822299f31d0n, 0x13198a2e03707344n, 0x243f6a8885a308d3n];
const MUL1 = [0x3bd39e10cb0ef593n, 0xc0acf169b5f18a8cn, 0xbe5466cf34e90c6cn, 0x452821e638d01377n];
const LANES = [0, 1, 2, 3] as const;

type Lanes = [bigint, bigint, bigint, bigint];
interface State {
  readonly v0: Lanes;
  readonly v1: Lanes;
  readonly mul0: Lanes;
  readonly mul1: Lanes;
}

const lanesOf = (bytes: Buffer): Lanes => LANES.map((i) => bytes.readBigUInt64LE(8 * i)) as Lanes;
const swapped = (lane: bigint): bigint => ((lane >> 32n) | (lane << 32n)) & MASK;

export function highwayHash64(data: Uint8Array, key: Buffer): Buffer {
  const keys = lanesOf(key);
  const state: State = {
    v0: LANES.map((i) => (MUL0[i] ?? 0n) ^ keys[i]) as Lanes,
    v1: LANES.map((i) => (MUL1[i] ?? 0n) ^ swapped(keys[i])) as Lanes,
    mul0: [...MUL0] as Lanes,
    mul1: [...MUL1] as Lanes,
  };
  const bytes = Buffer.from(data);
  const whole = bytes.length - (bytes.length % 32);
  for (let at = 0; at < whole; at += 32) update(state, lanesOf(bytes.subarray(at, at + 32)));
  if (whole < bytes.length) last(state, bytes.subarray(whole));
  for (let i = 0; i < 4; i++) {
    const [a, b, c, d] = state.v0;
    update(state, [swapped(c), swapped(d), swapped(a), swapped(b)]);
  }
  const { v0, v1, mul0, mul1 } = state;
  const hash = Buffer.alloc(8);
  hash.writeBigUInt64LE((v0[0] + v1[0] + mul0[0] + mul1[0]) & MASK);
  return hash;
}

function update({ v0, v1, mul0, mul1 }: State, lanes: Lanes): void {
  for (const i of LANES) {
    v1[i] = (v1[i] + mul0[i] + lanes[i]) & MASK;
    mul0[i] ^= (v1[i] & LOW) * (v0[i] >> 32n);
    v0[i] = (v0[i] + mul1[i]) & MASK;
    mul1[i] ^= (v0[i] & LOW) * (v1[i] >> 32n);
  }
  zipperMerge(v1, 0, v0);
  zipperMerge(v1, 2, v0);
  zipperMerge(v0, 0, v1);
  zipperMerge(v0, 2, v1);
}

/** Adds the bytes of two lanes, in another order, to two others: byte i of the sum comes from byte `ORDER[i]` of both, low lane first. */
function zipperMerge(from: Lanes, at: 0 | 2, into: Lanes): void {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(from[at], 0);
  bytes.writeBigUInt64LE(from[at === 0 ? 1 : 3], 8);
  const mixed = Buffer.from(ORDER.map((i) => bytes[i] ?? 0));
  into[at] = (into[at] + mixed.readBigUInt64LE(0)) & MASK;
  const next = at === 0 ? 1 : 3;
  into[next] = (into[next] + mixed.readBigUInt64LE(8)) & MASK;
}

const ORDER = [3, 12, 2, 5, 14, 1, 15, 0, 11, 4, 10, 13, 9, 6, 8, 7];

/** What is left of less than 32 bytes. */
function last(state: State, rest: Buffer): void {
  const size = rest.length;
  const count = BigInt(size);
  for (const i of LANES) {
    state.v0[i] = (state.v0[i] + (count << 32n) + count) & MASK;
    state.v1[i] = rotatedHalves(state.v1[i], count);
  }
  const packet = Buffer.alloc(32);
  const words = size & ~3;
  const odd = size & 3;
  rest.copy(packet, 0, 0, words);
  if (size & 16) rest.copy(packet, 28, size - 4, size);
  else if (odd) {
    packet[16] = rest[words] ?? 0;
    packet[17] = rest[words + (odd >>> 1)] ?? 0;
    packet[18] = rest[words + odd - 1] ?? 0;
  }
  update(state, lanesOf(packet));
}

function rotatedHalves(lane: bigint, by: bigint): bigint {
  const half = (value: bigint) => ((value << by) | (value >> (32n - by))) & LOW;
  return (half(lane >> 32n) << 32n) | half(lane & LOW);
}
