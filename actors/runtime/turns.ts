/** So many pieces of work at once; what comes besides waits its turn, in the order in which it came. */
export class Turns {
  readonly #waiting: (() => Promise<void>)[] = [];
  #underWay = 0;

  constructor(private readonly atOnce: number) {}

  /** Settles as `work` does, once it had its turn. */
  take<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => work().then(resolve, reject));
      this.#next();
    });
  }

  #next(): void {
    if (this.#underWay >= this.atOnce) return;
    const work = this.#waiting.shift();
    if (!work) return;
    this.#underWay++;
    void work().finally(() => {
      this.#underWay--;
      this.#next();
    });
  }
}
