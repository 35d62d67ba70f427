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

  constructor(private readonly kind: Kind = Uint32Array) {}

  get(index: number): number {
    return this.#chunks[index >>> BITS]?.[index & MASK] ?? 0;
  }

  set(index: number, value: number): void {
    const at = index & MASK;
    let chunk = this.#chunks[index >>> BITS];
    if (!chunk || at >= chunk.length) chunk = this.#grow(index >>> BITS, at);
    chunk[at] = value;
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
