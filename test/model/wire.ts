/** How messages travel between a node and what it talks to. */

/** What a message is for: while the log or a bitcoind is away, what is meant for it stays on its way. */
export type Errand = 'log' | 'delivery' | 'bitcoind' | 'other';

export interface Wire {
  /** The answer to a message, when both have arrived. */
  carry<T>(errand: Errand, arrive: () => T): Promise<T>;
  /** The same for a message that changes something: undefined if only its answer was lost. */
  publish<T>(arrive: () => T): Promise<T | undefined>;
}

/** Everything arrives at once, unless it is told otherwise. */
export class DirectWire implements Wire {
  losesAcks = false;
  #away: Promise<void> | undefined;

  /** The far side is away until the function that it gives is called. */
  goAway(): () => void {
    let back: () => void = () => {};
    this.#away = new Promise((resolve) => {
      back = resolve;
    });
    return () => {
      this.#away = undefined;
      back();
    };
  }

  async carry<T>(_errand: Errand, arrive: () => T): Promise<T> {
    await this.#away;
    return arrive();
  }

  async publish<T>(arrive: () => T): Promise<T | undefined> {
    const away = this.#away;
    if (away) {
      // What is sent to a server that is not there is lost; that it was is known when it comes back.
      await away;
      return undefined;
    }
    const answer = arrive();
    return this.losesAcks ? undefined : answer;
  }
}
