import { createInbox, type NatsConnection, type Subscription } from 'nats';
import { openWireLine, takesWireLines, type WireLine } from './wire-line.js';
import type { WireMessage } from './wire-parser.js';

export interface ReadingLineOptions {
  /** The seed of the connection's nkey: with it messages come over a connection of their own, which is faster. */
  readonly seed?: string | undefined;
  readonly inboxPrefix: string;
  /** Its bytes are good until it returns. */
  readonly onMessage: (message: WireMessage) => void;
  /** What was under way may be lost. The line goes on: by a new connection, or by the client's. */
  readonly onBroken: () => void;
}

/** A way to ask, and to hear very many messages: a connection of its own where that can be had, else the client's. */
export class ReadingLine {
  readonly #inbox: string;
  #line: WireLine | undefined;
  #subscription: Subscription | undefined;
  #closed = false;

  private constructor(
    private readonly nc: NatsConnection,
    private readonly options: ReadingLineOptions,
  ) {
    this.#inbox = createInbox(options.inboxPrefix);
  }

  static async open(nc: NatsConnection, options: ReadingLineOptions): Promise<ReadingLine> {
    const line = new ReadingLine(nc, options);
    await line.#open();
    return line;
  }

  close(): void {
    this.#closed = true;
    this.#line?.close();
    if (!this.nc.isClosed()) this.#subscription?.unsubscribe();
  }

  /** The subject on which the answer to a question comes. */
  answerTo(question: number): string {
    return `${this.#inbox}.${question}`;
  }

  ask(subject: string, question: number, data: string): void {
    const reply = this.answerTo(question);
    if (this.#line) this.#line.publish(subject, reply, data);
    else if (!this.nc.isClosed()) this.nc.publish(subject, data, { reply });
  }

  async #open(): Promise<void> {
    const { seed, onMessage } = this.options;
    const subject = `${this.#inbox}.*`;
    if (seed !== undefined && takesWireLines(this.nc))
      this.#line = await openWireLine(this.nc, seed, subject, {
        onMessage,
        onEnd: () => void this.#goOn(),
      }).catch(() => undefined);
    if (this.#closed) this.#line?.close();
    if (this.#line || this.#closed || this.nc.isClosed()) return;
    this.#subscription = this.nc.subscribe(subject, {
      callback: (_, { subject: to, reply, data, headers }) => {
        const lines = headers ? Array.from(headers, ([name, values]) => `${name}: ${values.at(-1)}\r\n`) : [];
        const text = headers ? `NATS/1.0 ${headers.code || ''}\r\n${lines.join('')}\r\n` : '';
        onMessage({ subject: to, reply, headers: Buffer.from(text, 'latin1'), data });
      },
    });
  }

  async #goOn(): Promise<void> {
    this.#line = undefined;
    await this.#open();
    this.options.onBroken();
  }
}
