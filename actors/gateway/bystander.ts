/**
 * Has a thread stand aside while another one has the right of way: the whole thread, since what it would do takes a processor from the
 * other. Once for each time that it is held, and not for long, so that it goes on when a block takes its time; and not again soon, so
 * that it goes on while a node that was away reads one block after another.
 */
export class Bystander {
  #seen = 0;
  #until = Number.NEGATIVE_INFINITY;

  /** `stretch`: the memory that a `Precedence` shares. */
  constructor(
    private readonly stretch: Int32Array<SharedArrayBuffer>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** To be called before each piece of work; stops the thread for 50 ms at the most, and says whether it did, and why it went on. */
  standAside(): 'no' | 'until free' | 'long enough' {
    const stretch = Atomics.load(this.stretch, 0);
    if (stretch % 2 === 0 || stretch === this.#seen || this.now() < this.#until + REST_MS) return 'no';
    this.#seen = stretch;
    const woken = Atomics.wait(this.stretch, 0, stretch, MOST_MS);
    this.#until = this.now();
    return woken === 'timed-out' ? 'long enough' : 'until free';
  }
}

/** More than a block with ten breaches takes, less than anybody notices who asks the tower for something. */
const MOST_MS = 50;
const REST_MS = 200;
