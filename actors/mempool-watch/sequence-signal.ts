import type { Logger } from 'pino';
import { Subscriber } from 'zeromq';
import { why } from '../runtime/why.js';
import { ZmqLine } from '../runtime/zmq-line.js';
import { readSequence, type SequenceMessage } from './sequence.js';

/** Waiting messages that are kept at the most; a bitcoind that loads its mempool publishes all of it in a moment. */
const MOST_WAITING = 200_000;
/** The longest part of a message, in bytes, before the line is cut: the longest of bitcoind's has 41. */
const LONGEST = 1024;

/** Hears bitcoind's `sequence` over ZMQ, and of each new connection, since what was published before it was not heard. */
export class SequenceSignal {
  readonly line = new ZmqLine();
  readonly #subscriber = new Subscriber({
    reconnectInterval: 100,
    reconnectMaxInterval: 5_000,
    receiveHighWaterMark: MOST_WAITING,
    maxMessageSize: LONGEST,
    linger: 0,
  });

  constructor(
    private readonly zmqUrl: string,
    private readonly on: { readonly message: (message: SequenceMessage) => void; readonly connected: () => void },
    private readonly log: Logger,
  ) {}

  start(): void {
    this.line.follow(this.#subscriber.events);
    this.#subscriber.events.on('handshake', () => this.on.connected());
    this.#subscriber.connect(this.zmqUrl);
    this.#subscriber.subscribe('sequence');
    void this.#listen().catch((error) =>
      this.log.error(why(error), 'listening to ZMQ for the mempool failed; polling goes on'),
    );
  }

  stop(): void {
    this.#subscriber.close();
  }

  async #listen(): Promise<void> {
    for await (const frames of this.#subscriber) {
      this.line.heard();
      const message = readSequence(frames);
      if (message) this.on.message(message);
    }
  }
}
