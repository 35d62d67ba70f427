/**
 * So many pieces of work at once; what comes besides waits its turn, in the order in which it came. Each is for a key, and
 * what comes for a key that waits or has its turn already is not taken.
 */
export class Turns<Key> {
  readonly #taken = new Set<Key>();
  readonly #waiting: (() => Promise<void>)[] = [];
  #under = 0;

  constructor(private readonly atOnce: number) {}

  /** Settles as `work` does, once it had its turn; undefined if the key is taken. */
  take(key: Key, work: () => Promise<void>): Promise<void> | undefined {
    if (this.#taken.has(key)) return undefined;
    this.#taken.add(key);
    return new Promise((resolve, reject) => {
      this.#waiting.push(() =>
        work()
          .finally(() => this.#taken.delete(key))
          .then(resolve, reject),
      );
      this.#next();
    });
  }

  #next(): void {
    if (this.#under >= this.atOnce) return;
    const work = this.#waiting.shift();
    if (!work) return;
    this.#under++;
    void work().finally(() => {
      this.#under--;
      this.#next();
    });
  }
}
