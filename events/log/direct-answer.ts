import type { Position } from '../ids.js';
import { Arena } from './arena.js';
import { LogUnavailableError } from './errors.js';
import type { WireMessage } from './wire-parser.js';

/** What a server answers to whoever asks for messages by position (direct gets of NATS, ADR-31). */

/** A message as it is stored, with the server's word on when. Its bytes are the reader's own. */
export interface StoredMessage {
  readonly stream: string;
  readonly position: Position;
  readonly subject: string;
  /** By the server's clock, in milliseconds since 1970. */
  readonly time: number;
  readonly data: Uint8Array;
}

/** What is there from a position on; nothing if there is none. */
export interface Answer {
  readonly messages: readonly StoredMessage[];
}

/** One question under way, and what has come of its answer. */
export class Question {
  readonly #messages: StoredMessage[] = [];
  #heard = true;
  readonly #arena = new Arena();

  constructor(
    private readonly stream: string,
    private readonly done: (answer: Answer) => void,
    readonly end: (error: Error) => void,
  ) {}

  /** Whether nothing came since this was asked last. */
  isSilent(): boolean {
    const was = this.#heard;
    this.#heard = false;
    return !was;
  }

  take(message: WireMessage): void {
    this.#heard = true;
    try {
      this.#keep(message);
    } catch (error) {
      this.end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #keep({ headers, data }: WireMessage): void {
    const bytes = Buffer.from(headers.buffer, headers.byteOffset, headers.length);
    const status = data.length === 0 ? bytes.toString('latin1', 9, 12) : '';
    if (/^\d{3}$/.test(status)) {
      // 204: that was all. 404: there is none, or none after that.
      if (status === '204' || status === '404') this.done({ messages: this.#messages });
      else this.end(new LogUnavailableError(`${this.stream} is not to be read: ${reasonIn(bytes)}`));
      return;
    }
    this.#messages.push({
      stream: this.stream,
      position: Number(valueIn(bytes, SEQUENCE)),
      subject: valueIn(bytes, SUBJECT),
      time: Date.parse(valueIn(bytes, TIME)),
      data: this.#arena.keep(data),
    });
  }
}

const RETURN = 0x0d;
const [SEQUENCE, SUBJECT, TIME] = ['Sequence', 'Subject', 'Time-Stamp'].map((name) =>
  Buffer.from(`\r\nNats-${name}: `, 'latin1'),
) as [Buffer, Buffer, Buffer];

/** The last of a name, which is the server's own: whoever published the message may have put others before it. */
function valueIn(headers: Buffer, name: Buffer): string {
  const at = headers.lastIndexOf(name);
  if (at < 0) throw new LogUnavailableError(`an answer without ${name.toString('latin1').trim().replace(':', '')}`);
  const begin = at + name.length;
  return headers.toString('latin1', begin, headers.indexOf(RETURN, begin));
}

const reasonIn = (headers: Buffer): string | undefined => headers.toString('latin1', 9).split('\r\n')[0];
