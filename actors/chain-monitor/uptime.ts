/** How far bitcoind's clock and ours may run apart between two looks, in seconds; its answers are whole ones. */
const SLACK = 2;

/** Tells by bitcoind's uptime whether it is still the run of the program that answered before. */
export class Uptime {
  /** When the run began, in seconds of our own clock. */
  #begun: number | undefined;

  /** Whether an uptime, in seconds, at a time of a clock that never jumps, in ms, is another run's than the last one given. */
  isOfAnotherRun(uptime: number, now: number): boolean {
    const before = this.#begun;
    this.#begun = now / 1000 - uptime;
    return before !== undefined && Math.abs(this.#begun - before) > SLACK;
  }
}
