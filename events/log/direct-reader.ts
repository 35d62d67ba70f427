import type { NatsConnection } from 'nats';
import type { Position } from '../ids.js';
import { type Answer, Question, type StoredMessage } from './direct-answer.js';
import { LogUnavailableError, MissingMessageError } from './errors.js';
import { ReadingLine, type ReadingLineOptions } from './reading-line.js';

export interface DirectReaderOptions extends Pick<ReadingLineOptions, 'seed' | 'inboxPrefix'> {
  /** The subject on which messages of a stream are asked for (`$JS.API.DIRECT.GET.<stream>`, or what stands for it). */
  readonly subjectOf: (stream: string) => string;
}

export interface Range {
  readonly from: Position;
  readonly through: Position;
  /** Whether messages may be gone, as those of a stream of blobs are; otherwise a gap is damage. */
  readonly sparse?: boolean;
}

/** Messages that are asked for at once, their bytes at the most, and so many times that: what waits for long is garbage late. */
const BATCH = 500;
const BATCH_BYTES = 4 << 20;
const AHEAD = 4;
/** How long the server may be silent about a question before it is asked again, in ms; and how often it is asked. */
const SILENCE_MS = 3_000;
const TRIES = 8;
/** A replica may not have what is new, or may have lost what others still have. */
const GAP_TRIES = 3;
const GAP_MS = 150;

/**
 * Reads messages by their positions, thousands at a time (direct gets of NATS, ADR-31): nothing is made on the server for it,
 * and any replica may answer. It is told where to begin and where to end, and reads a little ahead of whoever uses it.
 */
export class DirectReader {
  readonly #questions = new Map<string, Question>();
  #line: ReadingLine | undefined;
  #asked = 0;
  #closed = false;

  private constructor(private readonly options: DirectReaderOptions) {}

  static async open(nc: NatsConnection, options: DirectReaderOptions): Promise<DirectReader> {
    const { seed, inboxPrefix } = options;
    const reader = new DirectReader(options);
    reader.#line = await ReadingLine.open(nc, {
      seed,
      inboxPrefix,
      onMessage: (message) => reader.#questions.get(message.subject)?.take(message),
      onBroken: () => reader.#askAgain(),
    });
    return reader;
  }

  close(): void {
    this.#closed = true;
    this.#line?.close();
    for (const question of this.#questions.values()) question.end(new LogUnavailableError('the log was closed'));
  }

  /**
   * The messages of a range in order, batch after batch. Rejects with `MissingMessageError` where one is not there that has
   * to be, with `LogUnavailableError` if nothing answers, with the signal's reason when it is aborted.
   */
  async *read(stream: string, range: Range, signal: AbortSignal): AsyncGenerator<readonly StoredMessage[]> {
    const ahead: Promise<readonly StoredMessage[]>[] = [];
    let next = range.from;
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const begin = () => {
      const through = Math.min(range.through, next + BATCH - 1);
      const window = this.#window(stream, next, through, either);
      window.catch(() => {}); // told to whoever waits for it, if anybody does
      ahead.push(window);
      next = through + 1;
    };
    try {
      if (range.sparse) {
        yield* this.#sparse(stream, range, either);
        return;
      }
      while (ahead.length > 0 || next <= range.through) {
        while (ahead.length < AHEAD && next <= range.through) begin();
        const batch = await ahead.shift();
        if (batch) yield batch;
      }
    } finally {
      stop.abort(new LogUnavailableError('nobody reads on'));
    }
  }

  /** What is there of a range, however little: each question begins where the answer before it ended. */
  async *#sparse(stream: string, { from, through }: Range, signal: AbortSignal) {
    const ask = (at: Position) => {
      const answer = at > through ? undefined : this.#ask(stream, at, BATCH, signal);
      answer?.catch(() => {});
      return answer;
    };
    let asked = ask(from);
    while (asked) {
      const { messages } = await asked;
      const last = messages.at(-1);
      if (!last) return;
      asked = ask(last.position + 1);
      const wanted = last.position <= through ? messages : messages.filter(({ position }) => position <= through);
      if (wanted.length > 0) yield wanted;
    }
  }

  /** All messages between two positions. */
  async #window(stream: string, from: Position, through: Position, signal: AbortSignal) {
    const found: StoredMessage[] = [];
    for (let next = from, gaps = 0; next <= through; ) {
      const { messages } = await this.#ask(stream, next, through - next + 1, signal);
      const before = next;
      for (const message of messages) {
        if (message.position !== next) break;
        found.push(message);
        next++;
      }
      if (next > through || (next > before && messages.length === next - before)) continue;
      if (++gaps >= GAP_TRIES) throw new MissingMessageError(stream, next);
      await pause(GAP_MS, signal);
    }
    return found;
  }

  async #ask(stream: string, seq: Position, batch: number, signal: AbortSignal): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      signal.throwIfAborted();
      try {
        return await this.#askOnce(stream, seq, batch, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (this.#closed || tries >= TRIES || !(error instanceof LogUnavailableError)) throw error;
        await pause(GAP_MS * tries, signal);
      }
    }
  }

  #askOnce(stream: string, seq: Position, batch: number, signal: AbortSignal): Promise<Answer> {
    const line = this.#line;
    if (!line) throw new LogUnavailableError('the log was closed');
    const asked = ++this.#asked;
    const token = line.answerTo(asked);
    return new Promise((resolve, reject) => {
      const finish = () => {
        clearInterval(timer);
        signal.removeEventListener('abort', abort);
        this.#questions.delete(token);
      };
      const abort = () => question.end(signal.reason);
      const question = new Question(
        stream,
        (answer) => {
          finish();
          resolve(answer);
        },
        (error) => {
          finish();
          reject(error);
        },
      );
      const timer = setInterval(() => {
        if (question.isSilent()) question.end(new LogUnavailableError(`${stream} does not answer`));
      }, SILENCE_MS);
      signal.addEventListener('abort', abort);
      this.#questions.set(token, question);
      line.ask(this.options.subjectOf(stream), asked, JSON.stringify({ seq, batch, max_bytes: BATCH_BYTES }));
    });
  }

  #askAgain(): void {
    const lost = new LogUnavailableError('the connection broke');
    for (const question of this.#questions.values()) question.end(lost);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal.addEventListener('abort', abort, { once: true });
  });
}
