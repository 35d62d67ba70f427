import { Subscriber } from 'zeromq';
import type { BlockHash, Txid } from '../../events/ids.js';

/** Hears bitcoind over ZMQ and remembers when it first spoke of what: a witness that does not ask the tower. */
export class Observer {
  readonly #subscriber = new Subscriber({ linger: 0 });
  readonly #seen = new Map<string, number>();

  constructor(zmqUrl: string) {
    this.#subscriber.connect(zmqUrl);
    this.#subscriber.subscribe('hashblock', 'hashtx');
    void this.#listen();
  }

  /** When a block was announced, or a transaction entered the mempool: milliseconds of `performance.now()`. */
  seen(hash: BlockHash | Txid): number | undefined {
    return this.#seen.get(hash);
  }

  close(): void {
    this.#subscriber.close();
  }

  async #listen(): Promise<void> {
    for await (const [, hash] of this.#subscriber) {
      const key = hash?.toString('hex') ?? '';
      if (!this.#seen.has(key)) this.#seen.set(key, performance.now());
    }
  }
}
