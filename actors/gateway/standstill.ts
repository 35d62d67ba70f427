import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

/**
 * Whether this node has only just gone on after it stood still: frozen, suspended with its machine, starved of time.
 *
 * What clients asked meanwhile lay in its sockets. They have given up, and may have had something newer accepted by another
 * node, which their old request must not undo. NATS keeps the order: all that it sent before is heard before its answer to
 * a ping that is sent now. HTTP gives no such sign, hence a pause.
 */
export class Standstill {
  #seen = clocks();
  #count = 0;
  #recent = false;
  readonly #clock: NodeJS.Timeout;

  /** `ping` resolves, or rejects, when NATS has answered a ping or is away. */
  constructor(
    private readonly ping: () => Promise<void>,
    private readonly log: Logger,
  ) {
    this.#clock = setInterval(() => this.#look(), LOOK_MS);
    this.#clock.unref();
  }

  /** Whether what is heard now may have been said long ago. */
  get isRecent(): boolean {
    this.#look();
    return this.#recent;
  }

  stop(): void {
    clearInterval(this.#clock);
  }

  #look(): void {
    const [before, now] = [this.#seen, clocks()];
    this.#seen = now;
    const ms = Math.max(now.running - before.running, now.wall - before.wall);
    if (ms > STILL_MS) void this.#goOn(ms);
  }

  async #goOn(ms: number): Promise<void> {
    const count = ++this.#count;
    this.#recent = true;
    this.log.warn({ ms: Math.round(ms) }, 'this node stood still; requests of that time are refused');
    await Promise.allSettled([this.ping(), sleep(PAUSE_MS)]);
    if (count === this.#count) this.#recent = false;
  }
}

/** How often it looks, and from when on it calls it a standstill, in ms: no client is known to wait for less. */
const LOOK_MS = 500;
const STILL_MS = 3_000;
const PAUSE_MS = 500;

/** In ms. One of them stands still while the machine is suspended, the other can be set. */
const clocks = () => ({ running: performance.now(), wall: Date.now() });
