import { Subscriber } from 'zeromq';
import { patiently } from '../measure/wait.js';

/** When this process heard of something. */
export interface Heard {
  /** In milliseconds, of `performance.now()`. */
  readonly at: number;
  /** In milliseconds since 1970: to be compared with another process's log. */
  readonly time: number;
}

/**
 * Hears bitcoind over ZMQ, on one socket, and remembers when it first spoke of what.
 *
 * Blocks are heard by `hashblock`. A transaction's arrival in the mempool is heard by `sequence`, which bitcoind
 * publishes in the same breath as `hashtx`; only that `hashtx` also names every transaction of a block, just before the
 * block itself, and to read a few hundred of those would delay the news of the block.
 */
export class Witness {
  readonly #subscriber = new Subscriber({ linger: 0 });
  readonly #heard = new Map<string, Heard>();
  readonly #waiting = new Map<string, { resolve(heard: Heard): void; reject(error: Error): void }>();

  constructor(zmqUrl: string) {
    this.#subscriber.connect(zmqUrl);
    this.#subscriber.subscribe('hashblock', 'sequence');
    void this.#listen();
  }

  /** When a block became the tip. Waits for it, and rejects after a minute. */
  block(hash: string): Promise<Heard> {
    return this.#hear(`block ${hash}`);
  }

  /** When the next block becomes the tip: resolves as soon as it is heard of, before anybody may know which it is. */
  nextBlock(): Promise<Heard> {
    return this.#hear('the next block');
  }

  /** When a transaction came into the mempool. Waits for it, and rejects after a minute. */
  mempool(txid: string): Promise<Heard> {
    return this.#hear(`tx ${txid}`);
  }

  /** Whether it was heard of until now. */
  hasHeardOf(block: string): boolean {
    return this.#heard.has(`block ${block}`);
  }

  /** Whoever still waits is told that it is in vain. */
  close(): void {
    this.#subscriber.close();
    for (const [what, { reject }] of this.#waiting) reject(new Error(`${what} was not heard of`));
    this.#waiting.clear();
  }

  #hear(what: string): Promise<Heard> {
    const heard = this.#heard.get(what);
    if (heard) return Promise.resolve(heard);
    const spoken = new Promise<Heard>((resolve, reject) => this.#waiting.set(what, { resolve, reject }));
    return patiently(`bitcoind speaks of ${what}`, spoken);
  }

  async #listen(): Promise<void> {
    for await (const [topic, body] of this.#subscriber) {
      const heard = { at: performance.now(), time: Date.now() };
      const hash = body?.toString('hex', 0, 32) ?? '';
      if (topic?.equals(HASHBLOCK)) {
        this.#tell('the next block', heard);
        this.#note(`block ${hash}`, heard);
      } else if (body?.[32] === ADDED) this.#note(`tx ${hash}`, heard);
    }
  }

  #note(what: string, heard: Heard): void {
    if (this.#heard.has(what)) return;
    this.#heard.set(what, heard);
    this.#tell(what, heard);
  }

  #tell(what: string, heard: Heard): void {
    this.#waiting.get(what)?.resolve(heard);
    this.#waiting.delete(what);
  }
}

const HASHBLOCK = Buffer.from('hashblock');
/** What follows the txid in a `sequence` message when the mempool took the transaction. */
const ADDED = 'A'.charCodeAt(0);
