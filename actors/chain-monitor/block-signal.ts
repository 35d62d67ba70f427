import type { Logger } from 'pino';
import { Subscriber } from 'zeromq';
import { BlockHash } from '../../events/ids.js';
import { ZmqLine } from '../runtime/zmq-line.js';

/**
 * Wakes the ChainMonitor: at each `hashblock` that bitcoind publishes over ZMQ, and every so often without one, since
 * ZMQ may be silent or lose messages. It is woken when ZMQ connects, too: bitcoind may have been started anew, and what it
 * said meanwhile is lost. With a `hashblock` goes the hash, so that the block itself is the first thing to ask for.
 */
export class BlockSignal {
  readonly line = new ZmqLine();
  #subscriber: Subscriber | undefined;
  #poll: NodeJS.Timeout | undefined;

  constructor(
    private readonly onWake: (announced?: BlockHash) => void,
    private readonly options: {
      /** `tcp://host:port` of bitcoind's `zmqpubhashblock`; undefined to rely on polling alone. */
      readonly zmqUrl: string | undefined;
      readonly pollMs: number;
      readonly log: Logger;
    },
  ) {}

  start(): void {
    this.#poll = setInterval(() => this.onWake(), this.options.pollMs);
    if (this.options.zmqUrl) this.#subscribe(this.options.zmqUrl);
  }

  stop(): void {
    clearInterval(this.#poll);
    this.#subscriber?.close();
  }

  #subscribe(url: string): void {
    const subscriber = new Subscriber({
      reconnectInterval: 100,
      reconnectMaxInterval: 5_000,
      maxMessageSize: LONGEST,
      linger: 0,
    });
    this.#subscriber = subscriber;
    this.line.follow(subscriber.events);
    subscriber.events.on('connect', () => this.onWake());
    subscriber.events.on('handshake', () => this.onWake());
    subscriber.connect(url);
    subscriber.subscribe('hashblock');
    void this.#listen(subscriber).catch((error) =>
      this.options.log.error({ err: error }, 'listening to ZMQ failed; polling goes on'),
    );
  }

  async #listen(subscriber: Subscriber): Promise<void> {
    for await (const [, hash] of subscriber) {
      this.line.heard();
      this.onWake(BlockHash.safeParse(hash?.toString('hex')).data);
    }
  }
}

/** The longest part of a message, in bytes, before the line is cut: a hash has 32. */
const LONGEST = 1024;
