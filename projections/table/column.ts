/**
 * Numbers to a chunk: what a table grows by, so that growing it copies next to nothing. As large as they are, the system's
 * allocator leaves no gaps between them.
 */
const BITS = 16;
const SIZE = 1 << BITS;
const MASK = SIZE - 1;

/** How a column holds its numbers: unsigned, of 32 or of 8 bits. */
type Kind = Uint32ArrayConstructor | Uint8ArrayConstructor;
type Chunk = Uint32Array | Uint8Array;

/** Unsigned numbers by their index, from 0 on, each 0 until it is set: an array that grows in pieces. */
export class Column {
  readonly #chunks: Chunk[] = [];

  /** `saved`: what `save` gave of another one; it is copied. */
  constructor(
    private readonly kind: Kind = Uint32Array,
    saved: Uint8Array = new Uint8Array(),
  ) {
    const bytes = SIZE * kind.BYTES_PER_ELEMENT;
    for (let at = 0; at < saved.length; at += bytes)
      this.#chunks.push(toNumbers(kind, new Uint8Array(saved.subarray(at, at + bytes))));
  }

  get(index: number): number {
    return this.#chunks[index >>> BITS]?.[index & MASK] ?? 0;
  }

  set(index: number, value: number): void {
    const at = index & MASK;
    let chunk = this.#chunks[index >>> BITS];
    if (!chunk || at >= chunk.length) chunk = this.#grow(index >>> BITS, at);
    chunk[at] = value;
  }

  /** The bytes of the first so many numbers, little-endian, in pieces. They are views: to be used up before anything changes. */
  *save(length: number): Generator<Uint8Array> {
    for (let from = 0; from < length; from += SIZE) {
      const count = Math.min(SIZE, length - from);
      const there = (this.#chunks[from >>> BITS] ?? new this.kind()).subarray(0, count);
      yield toBytes(there);
      if (there.length < count) yield new Uint8Array((count - there.length) * this.kind.BYTES_PER_ELEMENT);
    }
  }

  /** The first chunk begins small and is doubled, so that a small table is small. */
  #grow(wanted: number, at: number): Chunk {
    // No holes: an array with holes is slow for ever.
    while (this.#chunks.length < wanted) this.#chunks.push(new this.kind(SIZE));
    const chunk = new this.kind(wanted === 0 ? Math.max(64, 2 ** Math.ceil(Math.log2(at + 1))) : SIZE);
    chunk.set(this.#chunks[wanted] ?? []);
    this.#chunks[wanted] = chunk;
    return chunk;
  }
}

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Numbers as little-endian bytes: a view where that is the machine's own order. */
function toBytes(numbers: Chunk): Uint8Array {
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  return inOrder(numbers.BYTES_PER_ELEMENT, IS_LITTLE_ENDIAN ? bytes : new Uint8Array(bytes));
}

/** The numbers of little-endian bytes, which are taken over. */
function toNumbers(kind: Kind, bytes: Uint8Array<ArrayBuffer>): Chunk {
  return new kind(inOrder(kind.BYTES_PER_ELEMENT, bytes).buffer);
}

/** Turns bytes around in place, number by number, where the machine's order is the other one. */
function inOrder<B extends Uint8Array>(size: number, bytes: B): B {
  if (size === 4 && !IS_LITTLE_ENDIAN) Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).swap32();
  return bytes;
}
