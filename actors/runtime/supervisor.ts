import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

/** Something that was started and can be stopped. */
export interface Running {
  stop(): Promise<void>;
}

export interface Supervised {
  readonly name: string;
  /** Starts it from the log. It calls `fail` at most once, when it cannot go on. */
  start(fail: (error: Error) => void): Promise<Running>;
}

const MOST_FAILURES = 5;
const WITHIN_MS = 60_000;
const RESTART_MS = 100;

/** Errors that starting again cannot mend: the log is damaged, or a newer node wrote to it, or it is another tower's. */
const HOPELESS = new Set([
  'log-damaged',
  'damaged-commit',
  'unknown-event',
  'stream-drift',
  'unfit-server',
  'unfit-bitcoind',
]);

/**
 * Keeps something running: what fails is stopped, and started anew from the log, since its state may be why it failed.
 *
 * A fifth failure within a minute, or one that starting again cannot mend, is given to `giveUp`, which ends the node.
 */
export class Supervisor {
  #failures: number[] = [];
  #running: Running | undefined;
  #stopped = false;

  constructor(
    private readonly supervised: Supervised,
    private readonly log: Logger,
    private readonly giveUp: (error: Error) => void,
  ) {}

  /** Resolves when it was started the first time, or was given up. Once stopped, nothing is started any more. */
  async start(): Promise<void> {
    if (this.#stopped) return;
    let fail: (error: Error) => void = () => {};
    const failed = new Promise<Error>((resolve) => {
      fail = resolve;
    });
    try {
      const running = await this.supervised.start(fail);
      if (this.#stopped) return await running.stop();
      this.#running = running;
      void failed.then((error) => this.#restart(error));
    } catch (error) {
      await this.#restart(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running?.stop();
  }

  async #restart(error: Error): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (this.#stopped) return;
    await running?.stop();
    const now = performance.now();
    this.#failures = [...this.#failures.filter((at) => now - at < WITHIN_MS), now];
    if (isHopeless(error) || this.#failures.length >= MOST_FAILURES) return this.giveUp(error);
    this.log.error(
      { err: error, failures: this.#failures.length },
      `${this.supervised.name} failed; rebuilding it from the log`,
    );
    await sleep(RESTART_MS * this.#failures.length);
    await this.start();
  }
}

const isHopeless = (error: Error): boolean => 'code' in error && HOPELESS.has(String(error.code));
