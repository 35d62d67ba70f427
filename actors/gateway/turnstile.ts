import { setImmediate } from 'node:timers';
import type { Precedence } from '../runtime/precedence.js';
import type { Answer } from './answers.js';
import type { Caller, Gateway } from './gateway.js';
import { overloaded } from './overload.js';
import type { Operation } from './requests.js';

/**
 * The way from the doors to the Gateway, on the thread that also has blocks to watch: one request after another, a few in each
 * round of the event loop, and none while something has the right of way.
 *
 *   door thread, other nodes --requests--> Turnstile --when it is their turn--> Gateway
 */
export class Turnstile {
  #queue: (() => void)[] = [];
  /** How many were let through in this round of the event loop. */
  #through = 0;
  #scheduled = false;

  constructor(
    private readonly gateway: Pick<Gateway, 'serve'>,
    private readonly precedence: Pick<Precedence, 'isHeld' | 'whenFree'>,
  ) {}

  /** As `Gateway.serve`; the request is refused if its turn comes too late. `came` is in ms of `performance.now()`. */
  async serve(operation: Operation, body: Uint8Array, caller: Caller, came = performance.now()): Promise<Answer> {
    if (this.#queue.length > 0 || !this.#isOpen) await this.#turn();
    if (performance.now() - came > PATIENCE_MS) return overloaded(operation, caller);
    this.#through++;
    this.#schedule();
    return this.gateway.serve(operation, body, { ...caller, came });
  }

  get #isOpen(): boolean {
    return this.#through < A_ROUND && !this.precedence.isHeld;
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#queue.push(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.precedence.whenFree(() => this.#next()));
  }

  #next(): void {
    this.#scheduled = false;
    this.#through = 0;
    for (const go of this.#queue.splice(0, A_ROUND)) go();
    if (this.#queue.length > 0) this.#schedule();
  }
}

/** How many requests are begun in one round of the event loop: less than a millisecond of work. */
const A_ROUND = 6;
/** After that a request is not begun any more, in ms: its client may have given up. */
const PATIENCE_MS = 3_000;
