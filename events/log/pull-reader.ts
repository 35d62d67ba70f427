import type { NatsConnection } from 'nats';
import type { Position } from '../ids.js';
import { Arena } from './arena.js';
import { deliveryReader } from './delivery.js';
import type { StoredMessage } from './direct-answer.js';
import type { Range } from './direct-reader.js';
import { ReadingLine, type ReadingLineOptions } from './reading-line.js';
import type { WireMessage } from './wire-parser.js';

export interface PullOptions extends Pick<ReadingLineOptions, 'seed' | 'inboxPrefix'> {
  /** The subject on which a consumer that was made for this is asked for messages (`$JS.API.CONSUMER.MSG.NEXT...`). */
  readonly subject: string;
  readonly stream: string;
}

/**
 * How many messages are asked for at once, their bytes at the most; below how many that are still to be used that is, and below how
 * many bytes of them. A thousand at once cost the server a tenth more each.
 */
const BATCH = 4_000;
const BATCH_BYTES = 8 << 20;
const AHEAD = 8_000;
const AHEAD_BYTES = 16 << 20;
/** How many are given at once. */
const GIVEN = 500;
/** How long the server may be silent, in ms. */
const SILENCE_MS = 3_000;

/**
 * Messages by a pull consumer (ADR-15) that begins at `from`, in order, batch after batch. They cost the server a third of what
 * direct gets cost it.
 *
 * It returns whether all came. Wherever anything is odd it just ends: whoever reads goes on by a `DirectReader` from the message
 * after the last that came, and is told there what is wrong, if anything is. Rejects with the signal's reason.
 */
export async function* pull(
  nc: NatsConnection,
  options: PullOptions,
  range: Range,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredMessage[], boolean> {
  const { seed, inboxPrefix, subject } = options;
  const queue = new Pulled(options.stream, range, () => release());
  const abort = () => queue.end();
  const timer = setInterval(() => queue.listen(), SILENCE_MS);
  let line: ReadingLine | undefined;
  // As soon as all came, whether or not anybody takes the last of it.
  const release = () => {
    clearInterval(timer);
    signal.removeEventListener('abort', abort);
    line?.close();
  };
  signal.addEventListener('abort', abort);
  try {
    line = await ReadingLine.open(nc, {
      seed,
      inboxPrefix,
      onMessage: (message) => queue.take(message),
      onBroken: () => queue.end(),
    });
    for (let asked = 1; ; ) {
      for (let count = queue.ask(); count > 0; count = queue.ask())
        line.ask(subject, asked++, JSON.stringify({ batch: count, max_bytes: BATCH_BYTES, no_wait: true }));
      const batch = await queue.next();
      signal.throwIfAborted();
      if (!batch) return queue.isComplete;
      if (batch.length > 0) yield batch;
    }
  } finally {
    queue.end();
    line?.close(); // of one that was opened after the end
  }
}

/** What came and is not used yet, and what was asked for and has not come. */
class Pulled {
  readonly #batches: StoredMessage[][] = [];
  #batch: StoredMessage[] = [];
  #held = 0;
  #heldBytes = 0;
  /** How many were asked for and did not come. */
  #wanted = 0;
  /** How many there are after the last that came; of a sparse stream there may be fewer at first. */
  #pending: number;
  #next: Position;
  #delivery = 0;
  #heard = false;
  #isOver = false;
  isComplete = false;
  #wake: () => void = () => {};
  readonly #placeOf = deliveryReader();
  readonly #arena = new Arena();

  constructor(
    private readonly stream: string,
    private readonly range: Range,
    private readonly over: () => void,
  ) {
    this.#next = range.from;
    this.#pending = Math.min(BATCH, range.through - range.from + 1);
  }

  /** For how many to ask now, which may be none: never for more than there are, or it is not known how many are still to come. */
  ask(): number {
    const isAhead = this.#wanted + this.#held >= AHEAD || this.#heldBytes >= AHEAD_BYTES;
    const count = isAhead || this.#isOver ? 0 : Math.max(0, Math.min(BATCH, this.#pending - this.#wanted));
    this.#wanted += count;
    return count;
  }

  take({ subject, reply, headers, data }: WireMessage): void {
    if (this.#isOver) return;
    this.#heard = true;
    if (reply?.startsWith('$JS.ACK.')) this.#keep(subject, reply, data);
    else this.#refused(headers);
  }

  #keep(subject: string, reply: string, data: Uint8Array): void {
    const { position, delivery, time, pending } = this.#placeOf(reply);
    const isNext = this.range.sparse ? position >= this.#next : position === this.#next;
    if (!isNext || delivery !== ++this.#delivery || Number.isNaN(time + pending)) {
      this.end();
      return;
    }
    this.#pending = pending;
    this.#wanted = Math.min(this.#wanted - 1, pending);
    this.#next = position + 1;
    if (position <= this.range.through) {
      this.#batch.push({ stream: this.stream, position, subject, time, data: this.#arena.keep(data) });
      this.#held++;
      this.#heldBytes += data.length;
    }
    this.isComplete = position >= this.range.through;
    if (this.isComplete || pending === 0) this.end();
    else if (this.#batch.length >= GIVEN || this.#wanted <= 0) this.#give();
  }

  /** A question is over before so many came as were asked for: 409, by their bytes; 404 or 408, there are no more. */
  #refused(headers: Uint8Array): void {
    const said = Buffer.from(headers).toString('latin1');
    const left = said.startsWith('NATS/1.0 409') ? /^Nats-Pending-Messages: (\d+)/im.exec(said)?.[1] : undefined;
    this.#wanted -= Number(left ?? 0);
    if (left === undefined) this.end();
    else this.#give();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.over();
    this.#give();
  }

  /** To be called now and then: ends the reading if nothing came since. */
  listen(): void {
    if (!this.#heard && this.#wanted > 0) this.end();
    this.#heard = false;
  }

  #give(): void {
    if (this.#batch.length > 0) this.#batches.push(this.#batch);
    this.#batch = [];
    this.#wake();
  }

  /** What came, which may be nothing where there is more to be asked for; undefined when there is nothing more to come. */
  async next(): Promise<readonly StoredMessage[] | undefined> {
    if (this.#batches.length === 0 && !this.#isOver) await new Promise<void>((resolve) => (this.#wake = resolve));
    const batch = this.#batches.shift();
    for (const { data } of batch ?? []) this.#heldBytes -= data.length;
    this.#held -= batch?.length ?? 0;
    return batch ?? (this.#isOver ? undefined : []);
  }
}
