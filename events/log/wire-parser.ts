/** A message as a server sends it to a subscriber. Its bytes are good until the next are read. */
export interface WireMessage {
  readonly subject: string;
  readonly reply: string | undefined;
  /** The headers as they are sent, with the line before them and the empty one after; none where there are no bytes. */
  readonly headers: Uint8Array;
  readonly data: Uint8Array;
}

/** What a parser gives: messages, and the lines of everything else, such as `PING` or `INFO {...}`. */
export interface WireHandler {
  readonly onMessage: (message: WireMessage) => void;
  readonly onLine: (line: string) => void;
}

/** The server sends something that is not of its protocol, or is larger than any message may be. */
export class WireError extends Error {
  readonly code = 'wire';
}

/** What is read at once, at the most; and how large the buffer is: more than two of the largest messages (1 MB). */
const READ = 1 << 18;
const BUFFER = 1 << 22;
const [NEWLINE, SPACE, ZERO, H, M] = [0x0a, 0x20, 0x30, 0x48, 0x4d];

/**
 * What a NATS server sends to a client, taken apart (docs.nats.io, "Client Protocol"): for a client that only listens, and
 * reads a million messages. It makes nothing of a message but two texts and two views.
 */
export class WireParser {
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER);
  #filled = 0;

  constructor(private readonly handler: WireHandler) {}

  /** Where to put the bytes that are read next. */
  room(): Uint8Array {
    return this.#buffer.subarray(this.#filled, this.#filled + READ);
  }

  /** So many bytes were put there. Throws a `WireError`, or what the handler throws. */
  read(count: number): void {
    this.#filled += count;
    let at = 0;
    for (let end = this.#next(at); end > at; end = this.#next(at)) at = end;
    this.#buffer.copyWithin(0, at, this.#filled);
    this.#filled -= at;
    if (this.#filled + READ > BUFFER) throw new WireError('a message is longer than any may be');
  }

  /** Takes what begins there; gives where the next begins, or the same place if the end of it is still to come. */
  #next(at: number): number {
    const newline = this.#buffer.indexOf(NEWLINE, at);
    if (newline < 0 || newline >= this.#filled) return at;
    const first = this.#buffer[at];
    if (first === H) return this.#message(at, at + 5, newline, true);
    if (first === M) return this.#message(at, at + 4, newline, false);
    this.handler.onLine(this.#buffer.toString('latin1', at, newline - 1));
    return newline + 1;
  }

  /** `MSG <subject> <sid> [<reply>] <bytes>`, or `HMSG <subject> <sid> [<reply>] <header bytes> <bytes>`. */
  #message(at: number, from: number, newline: number, hasHeaders: boolean): number {
    const buffer = this.#buffer;
    const subjectEnd = buffer.indexOf(SPACE, from);
    const sidEnd = buffer.indexOf(SPACE, subjectEnd + 1);
    let end = newline - 1;
    const last = this.#numberBefore(end);
    end = last.at;
    const total = last.value;
    let headers = 0;
    if (hasHeaders) {
      const before = this.#numberBefore(end);
      end = before.at;
      headers = before.value;
    }
    const begin = newline + 1;
    const next = begin + total + 2;
    if (subjectEnd < 0 || sidEnd < subjectEnd || end < sidEnd || headers > total || !(next < BUFFER))
      throw new WireError(`not a message: ${buffer.toString('latin1', at, Math.min(newline, at + 200))}`);
    if (next > this.#filled) return at;
    this.handler.onMessage({
      subject: buffer.toString('latin1', from, subjectEnd),
      reply: end > sidEnd ? buffer.toString('latin1', sidEnd + 1, end) : undefined,
      headers: headers === 0 ? NONE : buffer.subarray(begin, begin + headers),
      data: buffer.subarray(begin + headers, begin + total),
    });
    return next;
  }

  /** The number that ends there, and where the space before it is; NaN if there is none. */
  #numberBefore(end: number): { at: number; value: number } {
    let value = 0;
    let at = end - 1;
    for (let unit = 1; ; unit *= 10, at--) {
      const digit = (this.#buffer[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) break;
      value += unit * digit;
    }
    return { at, value: at < end - 1 && this.#buffer[at] === SPACE ? value : Number.NaN };
  }
}

const NONE = new Uint8Array();
