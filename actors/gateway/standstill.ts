import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

/**
 * Whether this node has only just gone on after it stood still: frozen, suspended with its machine, starved of time; or its
 * line to NATS did: cut for less time than a connection outlives, or full.
 *
 * What clients asked meanwhile lay in its sockets, or on the line. They have given up, and may have had something newer
 * accepted by another node, which their old request must not undo. NATS keeps the order: all that it sent before is heard
 * before its answer to a ping that is sent now. So it is pinged all the time: what is heard is younger than the last ping
 * that was answered. HTTP gives no such sign, hence a pause.
 */
export class Standstill {
  #seen = clocks();
  #count = 0;
  #recent = false;
  /** When the ping was sent that was answered last. */
  #answered = performance.now();
  #silent = false;
  readonly #clock: NodeJS.Timeout;

  /** `ping` resolves when NATS has answered a ping, and rejects when the connection was lost on which it was sent. */
  constructor(
    private readonly ping: () => Promise<void>,
    private readonly log: Logger,
  ) {
    this.#clock = setInterval(() => {
      this.#look();
      void this.#ask();
    }, LOOK_MS);
    this.#clock.unref();
  }

  /** Whether what is heard now may have been said long ago. */
  get isRecent(): boolean {
    this.#look();
    return this.#recent || this.#silent;
  }

  stop(): void {
    clearInterval(this.#clock);
  }

  #look(): void {
    const [before, now] = [this.#seen, clocks()];
    this.#seen = now;
    const ms = Math.max(now.running - before.running, now.wall - before.wall);
    if (ms > STILL_MS) void this.#goOn(ms);
    const silentMs = now.running - this.#answered;
    if (silentMs > STILL_MS && !this.#silent)
      this.log.warn({ ms: Math.round(silentMs) }, 'NATS answers no ping; requests are refused until it does');
    this.#silent = silentMs > STILL_MS;
  }

  async #ask(): Promise<void> {
    const asked = performance.now();
    try {
      await this.ping();
      this.#answered = Math.max(this.#answered, asked);
    } catch {
      this.#answered = performance.now(); // whatever was on that connection went with it
    }
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
