/**
 * The right of way on a node's own thread: while a block is read and its breaches are answered, nothing else is begun.
 *
 * It is held by whatever work is put under it, and only for so long at a stretch: work that takes a second, because bitcoind is stuck
 * or blocks come one after another, gives way for a moment, so that clients are slower then, but served.
 */
export class Precedence {
  #holders = 0;
  #state: 'free' | 'held' | 'giving-way' = 'free';
  /** When the stretch began: what is held again soon after goes on with it. */
  #since = Number.NEGATIVE_INFINITY;
  #until = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #waiting: (() => void)[] = [];
  /** For other threads: a number, odd while it is held, another one each time. */
  readonly stretch = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

  /** Whether something has the right of way now. */
  get isHeld(): boolean {
    return this.#state === 'held';
  }

  /** Has the right of way until the work is settled; gives what it gives. */
  async during<T>(work: Promise<T>): Promise<T> {
    if (this.#holders++ === 0 && this.#state === 'free') this.#hold();
    try {
      return await work;
    } finally {
      if (--this.#holders === 0 && this.#state === 'held') this.#release();
    }
  }

  /** Calls back once, when nothing has the right of way any more: at once if that is so. */
  whenFree(act: () => void): void {
    if (this.isHeld) this.#waiting.push(act);
    else act();
  }

  #hold(): void {
    const now = performance.now();
    if (now - this.#until >= GIVEN_MS) this.#since = now;
    this.#state = 'held';
    Atomics.add(this.stretch, 0, 1);
    this.#after(Math.max(0, this.#since + MOST_MS - now), () => this.#giveWay());
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#until = performance.now();
    this.#state = 'free';
    this.#tell();
  }

  #giveWay(): void {
    this.#state = 'giving-way';
    this.#after(GIVEN_MS, () => {
      this.#since = performance.now();
      this.#until = this.#since - GIVEN_MS;
      this.#state = 'free';
      if (this.#holders > 0) this.#hold();
    });
    this.#tell();
  }

  #after(ms: number, act: () => void): void {
    this.#timer = setTimeout(act, ms);
    this.#timer.unref();
  }

  #tell(): void {
    Atomics.add(this.stretch, 0, 1);
    Atomics.notify(this.stretch, 0);
    for (const act of this.#waiting.splice(0)) act();
  }
}

/** For how long it is held at a stretch, and given way then, in ms: a block with ten breaches takes some 25. */
const MOST_MS = 1_000;
const GIVEN_MS = 100;
