import { setImmediate } from 'node:timers';
import { ErrorCode, NatsError } from 'nats';
import type { Position } from '../ids.js';
import { isRefused, type Line, type Outgoing, publish, publishBatch, REQUEST_MS, takesNoBatches } from './publish.js';

/** So many messages are worth a batch: it costs the server as much as some single writes. */
const WORTH = 12;
/** So many are sent one by one before others wait for a batch to come together. */
const ALONE = 8;
/**
 * So many batches are under way at once. The server works off one after the other anyhow, and what a batch costs it hardly
 * grows with its size; with the other stream's batch it always has one to do. So a second only makes both smaller.
 */
const BATCHES = 1;
/** What a batch holds at the most; the server takes 1,000 messages. */
const MOST = 256;

interface Waiting {
  readonly message: Outgoing;
  readonly since: number;
  readonly resolve: (position: Position) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit for one stream: what many callers want to store at the same time is stored as atomic batches.
 *
 * A server that syncs every write does so once for a batch. Nobody is held up to fill one: who comes alone is sent at once,
 * and a batch is what has come together while others were under way. A batch that is refused is sent again message by
 * message, so that each caller gets its own answer, as if there were no others.
 *
 * A message that expects something waits while another on its subject is under way: their order is that of the calls.
 */
export class GroupCommit {
  #waiting: Waiting[] = [];
  /** The subjects under way of messages that expect something. */
  readonly #subjects = new Set<string>();
  #batches = 0;
  #alone = 0;
  #scheduled = false;
  /** Whether the stream takes batches; a log that was made by an older version may not. */
  #batching = true;

  constructor(private readonly line: Line) {}

  /** Stores a message; gives its position. Rejects as `publish` does. Who has little time left does not wait for others. */
  publish(message: Outgoing, timeout: number): Promise<Position> {
    if (timeout < REQUEST_MS) return publish(this.line, message, timeout);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ message, since: performance.now(), resolve, reject });
      this.#schedule();
    });
  }

  /** What comes out of one packet of the server's answers goes on together. Who is alone goes at once. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const isIdle = this.#batches === 0 && this.#alone === 0;
    (isIdle ? queueMicrotask : setImmediate)(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  #send(): void {
    this.#rejectLate();
    if (!this.#batching) {
      for (const waiting of this.#take(Number.POSITIVE_INFINITY)) void this.#sendAlone(waiting);
      return;
    }
    while (this.#batches < BATCHES) {
      const isWorth = this.#waiting.length >= WORTH;
      if (!isWorth && this.#batches > 0) return;
      const group = this.#take(isWorth ? MOST : ALONE - this.#alone);
      if (group.length === 0) return;
      if (group.length >= WORTH) void this.#sendBatch(group);
      else for (const waiting of group) void this.#sendAlone(waiting);
    }
  }

  /** The messages that have waited longest, each subject once. */
  #take(most: number): Waiting[] {
    const [group, left]: [Waiting[], Waiting[]] = [[], []];
    // Who comes near to what the connection takes goes alone: what cannot be sent at all fails for its own caller only.
    const mostBytes = (this.line.nc.info?.max_payload ?? 0) / 2;
    let bytes = 0;
    let isFull = false;
    for (const waiting of this.#waiting) {
      const { subject, data, expected } = waiting.message;
      isFull ||= group.length >= most || (group.length > 0 && bytes + data.length > mostBytes);
      const isAfterAnother = expected !== undefined && this.#subjects.has(subject);
      if (isFull || isAfterAnother) left.push(waiting);
      else {
        group.push(waiting);
        bytes += data.length;
        if (expected !== undefined) this.#subjects.add(subject);
      }
    }
    this.#waiting = left;
    return group;
  }

  async #sendBatch(group: readonly Waiting[]): Promise<void> {
    this.#batches++;
    try {
      const messages = group.map(({ message }) => message);
      const first = await publishBatch(this.line, messages, REQUEST_MS);
      for (const [i, { message, resolve }] of group.entries()) {
        this.#subjects.delete(message.subject);
        resolve(first + i);
      }
    } catch (error) {
      if (takesNoBatches(error)) this.#batching = false;
      for (const waiting of group)
        if (!isRefused(error)) this.#giveUp(waiting, error);
        else if (isLate(waiting)) this.#giveUp(waiting, timeout());
        else void this.#sendAlone(waiting);
    }
    this.#batches--;
    this.#schedule();
  }

  async #sendAlone({ message, resolve, reject }: Waiting): Promise<void> {
    this.#alone++;
    try {
      resolve(await publish(this.line, message, REQUEST_MS));
    } catch (error) {
      reject(error);
    }
    this.#alone--;
    this.#subjects.delete(message.subject);
    if (this.#waiting.length > 0) this.#schedule();
  }

  #giveUp({ message, reject }: Waiting, why: unknown): void {
    this.#subjects.delete(message.subject);
    reject(why);
  }

  #rejectLate(): void {
    const inTime = this.#waiting.findIndex((waiting) => !isLate(waiting));
    const late = this.#waiting.splice(0, inTime < 0 ? this.#waiting.length : inTime);
    for (const { reject } of late) reject(timeout());
  }
}

/** Who waits longer than for an answer is not sent any more: the server is away, or far too slow. */
const isLate = ({ since }: Waiting): boolean => performance.now() - since >= REQUEST_MS;

const timeout = (): NatsError => NatsError.errorForCode(ErrorCode.Timeout);
