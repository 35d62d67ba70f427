import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { why } from '../runtime/why.js';
import { type PastQuestion, PastSaid, type PastSetting } from './past-wire.js';

/** Why there is no answer about the past; the message is for whoever asked. */
export class PastError extends Error {
  readonly code = 'past';
  constructor(
    /** `wrong`: the question. `busy`: others were there first. `failed`: reading the log. */
    readonly reason: 'wrong' | 'busy' | 'failed',
    message: string,
  ) {
    super(message);
  }
}

/**
 * The past of the tower, for people who look at it: read from the log and folded by a thread of its own, with a connection of
 * its own, which is there only while somebody asks.
 */
export class Past {
  #worker: Worker | undefined;
  #asked = 0;
  #idle: NodeJS.Timeout | undefined;
  readonly #pending = new Map<number, Pending>();

  constructor(
    private readonly setting: PastSetting,
    private readonly log: Logger,
  ) {}

  /** Rejects with `PastError`. */
  ask(question: PastQuestion): Promise<object> {
    if (this.#pending.size >= MOST_PENDING)
      return Promise.reject(new PastError('busy', 'others are reading the log now: try again in a moment'));
    const id = ++this.#asked;
    clearTimeout(this.#idle);
    return new Promise((resolve, reject) => {
      const late = () => this.#end(new PastError('failed', 'the log is too long, or too slow, to be read for a page'));
      this.#pending.set(id, { resolve, reject, timer: setTimeout(late, PATIENCE_MS) });
      this.#thread().postMessage({ id, question });
    });
  }

  async stop(): Promise<void> {
    await this.#end(new PastError('failed', 'the node is stopping'));
  }

  #thread(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL('./past-worker.js', import.meta.url), {
      workerData: this.setting,
      resourceLimits: { maxOldGenerationSizeMb: MOST_MB },
    });
    worker.on('message', (message) => this.#said(PastSaid.parse(message)));
    worker.on('error', (error) => {
      if (this.#worker !== worker) return;
      this.log.warn(why(error), 'the thread that reads the log for the web page died');
      void this.#end(new PastError('failed', 'the log could not be read; the log of the node says why'));
    });
    this.#worker = worker;
    return worker;
  }

  #said({ id, answer, wrong, error }: PastSaid): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (this.#pending.size === 0) this.#idle = setTimeout(() => void this.stop(), IDLE_MS).unref();
    if (answer) pending.resolve(answer);
    else pending.reject(new PastError(wrong === undefined ? 'failed' : 'wrong', wrong ?? error ?? 'no answer'));
  }

  async #end(error: PastError): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    clearTimeout(this.#idle);
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#pending.clear();
    await worker?.terminate();
  }
}

interface Pending {
  readonly resolve: (answer: object) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

const MOST_PENDING = 8;
const PATIENCE_MS = 60_000;
/** How long the thread stays when nobody asks, in ms. */
const IDLE_MS = 60_000;
/** What it may hold: the whole state of a tower with some million appointments. */
const MOST_MB = 1024;
