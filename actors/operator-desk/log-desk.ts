import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { NatsConnection, Service, ServiceMsg } from 'nats';
import type { Logger } from 'pino';
import { parseJson } from '../../events/json.js';
import { LogUnavailableError } from '../../events/log/errors.js';
import { type LogAnswer, LogQuestion, type LogTails } from '../log-wire.js';
import { logSubjects } from '../wire.js';

/**
 * The LogDesk: shows the operator the log as it is, a piece at a time, so that what the tower does can be followed from afar.
 *
 *   operator --argus.operator.v1.log--> LogDesk of any node --> the log's streams
 *
 * takes   how far the streams are (`tails`), or what is at some positions of one (`messages`); blobs are not shown
 * gives   JSON in gzip, for a commit may be as long as a message; an error as the other desks do
 *
 * It has a connection of its own, so that nothing else in the node waits behind it, which is there only while somebody asks. It keeps
 * nothing of who asks: whoever goes on at another node goes on where it was.
 */
export class LogDesk {
  #service: Service | undefined;
  #source: Promise<LogSource> | undefined;
  #idle: NodeJS.Timeout | undefined;
  #reading = 0;

  constructor(
    private readonly nc: NatsConnection,
    private readonly needs: LogDeskNeeds,
  ) {}

  async open(): Promise<void> {
    this.#service = await this.nc.services.add({
      name: 'argus-log',
      version: this.needs.version,
      description: 'Argus, for its operator: the log',
      queue: 'argus-log',
    });
    this.#service.addEndpoint('log', {
      subject: logSubjects.log,
      handler: (error, message) => {
        if (!error) void this.#serve(message);
      },
    });
  }

  async close(): Promise<void> {
    await this.#service?.stop();
    await this.#leave();
  }

  async #serve(message: ServiceMsg): Promise<void> {
    try {
      const question = read(message);
      if (this.#reading >= MOST_AT_ONCE) throw new LogDeskError(503, 'others are reading the log now: ask again');
      this.#reading++;
      const answer = await this.#answer(question).finally(() => this.#reading--);
      const bytes = await promisify(gzip)(JSON.stringify(answer), { level: 1 });
      if (!this.nc.isClosed()) message.respond(bytes);
    } catch (error) {
      if (this.nc.isClosed()) return;
      const { status, message: text } = error instanceof LogDeskError ? error : this.#failure(error);
      message.respondError(status, text, Buffer.from(JSON.stringify({ error: text })));
    }
  }

  #failure(error: unknown): LogDeskError {
    void this.#leave();
    if (error instanceof LogUnavailableError) return new LogDeskError(503, error.message);
    this.needs.log.error({ err: error }, 'the log could not be shown to the operator');
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    return new LogDeskError(500, `the log could not be read${code}`);
  }

  async #answer(question: LogQuestion): Promise<LogAnswer | LogTails> {
    const source = await this.#open();
    if (question.what === 'tails') {
      const tails = await Promise.all(this.needs.streams.map(async (name) => [name, await source.tail(name)] as const));
      return { shards: source.shards, tails: Object.fromEntries(tails) };
    }
    const { stream, from, limit } = question;
    if (!this.needs.streams.includes(stream)) throw new LogDeskError(404, `there is no stream ${stream} to be shown`);
    const through = Math.min(await source.tail(stream), from + limit - 1);
    const messages: LogAnswer['messages'] = [];
    let bytes = 0;
    for await (const batch of source.read(stream, from, through, AbortSignal.timeout(PATIENCE_MS)))
      for (const { position, subject, time, data } of batch) {
        bytes += data.length;
        if (messages.length > 0 && bytes > MOST_BYTES) return { messages };
        messages.push({ position, subject, time, data: Buffer.from(data).toString('utf8') });
      }
    return { messages };
  }

  async #open(): Promise<LogSource> {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.#leave(), IDLE_MS).unref();
    this.#source ??= this.needs.source();
    return this.#source;
  }

  async #leave(): Promise<void> {
    const source = this.#source;
    this.#source = undefined;
    clearTimeout(this.#idle);
    await (await source?.catch(() => undefined))?.close().catch(() => undefined);
  }
}

/** A question that cannot be answered; `status` is an HTTP status. */
class LogDeskError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Throws `LogDeskError`. */
function read({ data }: ServiceMsg): LogQuestion {
  try {
    return LogQuestion.parse(parseJson(data.length > LONGEST ? new Uint8Array() : data));
  } catch {
    throw new LogDeskError(400, 'the question is not understood');
  }
}

const LONGEST = 1024;
const MOST_AT_ONCE = 8;
const MOST_BYTES = 400_000;
const PATIENCE_MS = 5_000;
const IDLE_MS = 60_000;

/** The log, as it is read for people. */
export interface LogSource {
  readonly shards: number;
  tail(stream: string): Promise<number>;
  read(
    stream: string,
    from: number,
    through: number,
    signal: AbortSignal,
  ): AsyncIterable<
    readonly {
      readonly position: number;
      readonly subject: string;
      readonly time: number;
      readonly data: Uint8Array;
    }[]
  >;
  close(): Promise<void>;
}

export interface LogDeskNeeds {
  readonly version: string;
  /** The streams that are shown. */
  readonly streams: readonly string[];
  /** Opens the log. */
  readonly source: () => Promise<LogSource>;
  readonly log: Logger;
}
