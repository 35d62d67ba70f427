const ARENA = 1 << 18;

/** Copies of bytes, in memory that is shared with their neighbours: to make some for each would take longer than all else. */
export class Arena {
  #bytes = Buffer.alloc(0);
  #used = 0;

  keep(data: Uint8Array): Uint8Array {
    if (this.#used + data.length > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(ARENA, data.length));
      this.#used = 0;
    }
    const kept = this.#bytes.subarray(this.#used, this.#used + data.length);
    kept.set(data);
    this.#used += data.length;
    return kept;
  }
}
