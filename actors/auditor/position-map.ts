/** As many positions as share a part: a map of JavaScript's own holds twice as many at the most, and throws at one more. */
const PART = 2 ** 23;

/** A map by positions of a stream, which has no limit but memory. */
export class PositionMap<V> {
  readonly #parts = new Map<number, Map<number, V>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(position: number): boolean {
    return this.#part(position)?.has(position) ?? false;
  }

  get(position: number): V | undefined {
    return this.#part(position)?.get(position);
  }

  set(position: number, value: V): void {
    let part = this.#part(position);
    if (!part) {
      part = new Map();
      this.#parts.set(Math.floor(position / PART), part);
    }
    this.#size -= part.size;
    part.set(position, value);
    this.#size += part.size;
  }

  delete(position: number): void {
    const part = this.#part(position);
    if (!part?.delete(position)) return;
    this.#size--;
    if (part.size === 0) this.#parts.delete(Math.floor(position / PART));
  }

  /** In no order. What was given last may be deleted meanwhile. */
  *[Symbol.iterator](): Generator<[number, V]> {
    for (const part of this.#parts.values()) yield* part;
  }

  #part(position: number): Map<number, V> | undefined {
    return this.#parts.get(Math.floor(position / PART));
  }
}
