/** One message at a time: work is done in the order in which it was sent, and each piece ends before the next begins. */
export class Mailbox {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Whether nothing is under way. */
  get isIdle(): boolean {
    return this.#waiting === 0;
  }

  /** Does `work` after everything sent before. Settles as `work` does; what fails does not hold up what follows. */
  send<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const done = () => void this.#waiting--;
    const result = this.#last.then(work, work);
    this.#last = result.then(done, done);
    return result;
  }

  /** Resolves when everything sent so far is done, and what that sent in its turn. */
  async idle(): Promise<void> {
    for (let last: unknown; last !== this.#last; ) {
      last = this.#last;
      await last;
    }
  }
}

/** One message at a time for each key, such as an aggregate's id; different keys do not wait for one another. */
export class KeyedMailbox<Key> {
  readonly #lanes = new Map<Key, { readonly mailbox: Mailbox; waiting: number }>();

  /** Does `work` after everything sent before under the same key. */
  async send<T>(key: Key, work: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(key) ?? { mailbox: new Mailbox(), waiting: 0 };
    this.#lanes.set(key, lane);
    lane.waiting++;
    try {
      return await lane.mailbox.send(work);
    } finally {
      lane.waiting--;
      if (lane.waiting === 0) this.#lanes.delete(key);
    }
  }

  /** The number of keys with work under way. */
  get busy(): number {
    return this.#lanes.size;
  }

  /** Resolves when everything sent so far is done. */
  async idle(): Promise<void> {
    await Promise.all(Array.from(this.#lanes.values(), ({ mailbox }) => mailbox.idle()));
  }
}
