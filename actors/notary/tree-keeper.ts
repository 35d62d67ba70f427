import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Shard } from '../../events/ids.js';
import { why } from '../runtime/why.js';
import { Said, TreeProof, type TreeQuestion, type TreeSetting } from './tree-wire.js';

/** The trees cannot be asked now. */
export class TreeAwayError extends Error {
  readonly code = 'tree-away';
}

/**
 * Keeps the thread that hashes, and asks it. It is started when somebody asks, and started anew when it died: at once, then
 * after ever longer pauses. Every question rejects with `TreeAwayError` while there is none, or if it dies meanwhile.
 */
export class TreeKeeper {
  #worker: Worker | undefined;
  #stopped = false;
  #asked = 0;
  readonly #pending = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  #startedAt = 0;
  #notBefore = 0;
  #pause = 0;

  /** `start` makes the thread. */
  constructor(
    private readonly setting: TreeSetting,
    private readonly log: Logger,
    private readonly start: (setting: TreeSetting) => Worker = startWorker,
  ) {}

  /** The root over the first `size` messages of a shard, in hex; resolves when the log is that long, and hashed so far. */
  async root(shard: Shard, size: number): Promise<string> {
    return z.string().parse(await this.#ask(shard, { what: 'root', size }));
  }

  /** The proof that the message at a position of a shard's log is in the tree over the first `size`. */
  async inclusion(shard: Shard, position: number, size: number): Promise<TreeProof> {
    return TreeProof.parse(await this.#ask(shard, { what: 'inclusion', position, size }));
  }

  /** The proof that the tree over the first `size` messages begins with that over the first `from`. */
  async consistency(shard: Shard, from: number, size: number): Promise<TreeProof> {
    return TreeProof.parse(await this.#ask(shard, { what: 'consistency', from, size }));
  }

  /** Resolves when the shard's tree is being made anew from the log. */
  async rebuild(shard: Shard): Promise<void> {
    await this.#ask(shard, { what: 'rebuild' });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#worker?.terminate();
  }

  #ask(shard: Shard, question: TreeQuestion): Promise<unknown> {
    const worker = this.#running();
    const id = this.#asked++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      worker.postMessage({ id, shard, question });
    });
  }

  #running(): Worker {
    if (this.#worker) return this.#worker;
    if (this.#stopped || performance.now() < this.#notBefore) throw new TreeAwayError('the thread for hashing is away');
    const worker = this.start(this.setting);
    this.#startedAt = performance.now();
    let cause: unknown = new Error('it ended');
    worker.on('message', (said) => this.#hear(Said.parse(said)));
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => this.#died(cause));
    this.#worker = worker;
    return worker;
  }

  #hear(said: Said): void {
    if ('news' in said) {
      const { news, why, shard } = said;
      if (why === undefined) this.log.info({ shard }, `tree: ${news}`);
      else this.log.warn({ shard, why }, `tree: ${news}`);
      return;
    }
    const asked = this.#pending.get(said.id);
    this.#pending.delete(said.id);
    if ('error' in said) asked?.reject(new TreeAwayError(said.error));
    else asked?.resolve(said.answer);
  }

  #died(cause: unknown): void {
    this.#worker = undefined;
    const now = performance.now();
    this.#pause = now - this.#startedAt > LONG_MS ? 0 : Math.min(Math.max(2 * this.#pause, FIRST_MS), LONG_MS);
    this.#notBefore = now + this.#pause;
    for (const { reject } of this.#pending.values())
      reject(new TreeAwayError('the thread for hashing died', { cause }));
    this.#pending.clear();
    if (!this.#stopped)
      this.log.error(
        { ...why(cause), again_ms: this.#pause },
        'the thread that hashes the log died; it is started anew',
      );
  }
}

/** What a thread must have lived for its death to be no series; and how long the pauses are, from the first to the longest. */
const LONG_MS = 60_000;
const FIRST_MS = 250;

const startWorker = (workerData: TreeSetting): Worker =>
  new Worker(new URL('./tree-worker.js', import.meta.url), {
    workerData,
    // It holds nothing of the tree but its right edge: some 11 MB, code and all. More would only be garbage.
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 },
  });
