import { setTimeout as sleep } from 'node:timers/promises';
import type { Reply } from '../../actors/client/courier.js';
import type { Prepared } from './prepared.js';
import type { Way } from './way.js';

export interface LoadOptions {
  readonly inFlight: number;
  /** What is answered in the first so many milliseconds is not counted. */
  readonly leadMs: number;
  /** How long is counted, in ms; less if the requests run out. */
  readonly ms: number;
  /** Another way than the users' own. */
  readonly way?: Way;
  /** Called when the counting begins, and when it ends. */
  readonly onBegin?: () => void;
  readonly onEnd?: () => void;
}

export interface Load {
  /** How long was counted, in seconds. */
  readonly seconds: number;
  /** Requests answered in that time. */
  readonly answered: number;
  /** From sending to answer, in ms, of those. */
  readonly latencies: readonly number[];
  /** All requests sent, counted or not. */
  readonly sent: number;
  /** What went wrong, in the order in which it did: no answer, a refusal, a receipt that does not verify. */
  readonly errors: readonly Error[];
}

/** Sends requests, always so many in flight, and counts; then, after the load, has the client library check every answer. */
export async function run(requests: readonly Prepared[], options: LoadOptions): Promise<Load> {
  const load = new Running(requests, options);
  await load.run();
  return load.result();
}

class Running {
  readonly #left: Iterator<Prepared>;
  readonly #answers: { readonly request: Prepared; readonly answer: () => Reply }[] = [];
  readonly #latencies: number[] = [];
  readonly #errors: Error[] = [];
  readonly #over = new AbortController();
  #begun: number | undefined;
  #end = 0;

  constructor(
    requests: readonly Prepared[],
    private readonly options: LoadOptions,
  ) {
    this.#left = requests.values();
  }

  async run(): Promise<void> {
    const workers = Array.from({ length: this.options.inFlight }, () => this.#work());
    await Promise.all([this.#count(), ...workers]);
  }

  async result(): Promise<Load> {
    const sent = this.#answers.length + this.#errors.length;
    for (const { request, answer } of this.#answers)
      await request.check(answer).catch((error) => this.#errors.push(error));
    const seconds = (this.#end - (this.#begun ?? this.#end)) / 1000;
    return { seconds, answered: this.#latencies.length, latencies: this.#latencies, sent, errors: this.#errors };
  }

  async #work(): Promise<void> {
    while (!this.#over.signal.aborted) {
      const { value: request } = this.#left.next();
      if (request) await this.#ask(request);
      else this.#over.abort(); // from here on fewer would be in flight
    }
  }

  async #ask(request: Prepared): Promise<void> {
    const sent = performance.now();
    try {
      this.#answers.push({ request, answer: await request.send(this.options.way) });
      if (this.#begun !== undefined && this.#end === 0) this.#latencies.push(performance.now() - sent);
    } catch (error) {
      this.#errors.push(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #count(): Promise<void> {
    const { leadMs, ms, onBegin, onEnd } = this.options;
    const { signal } = this.#over;
    signal.addEventListener('abort', () => (this.#end = performance.now()), { once: true });
    await sleep(leadMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) throw new Error('too few requests were prepared: none was left when the counting was to begin');
    onBegin?.();
    this.#begun = performance.now();
    await sleep(ms, undefined, { signal }).catch(() => undefined);
    this.#over.abort();
    onEnd?.();
  }
}
