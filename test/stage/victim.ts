import type { Child } from '../../cli/servers/child.js';
import type { Server } from '../../cli/servers/server.js';

/** How long a process may take until it is all there. */
const STARTING_MS = 10_000;

/** One process that mishaps befall: it knows whether it is meant to run, and tells when it ends although it is. */
export class Victim {
  /** Whether a mishap has it now. */
  busy = false;
  /** Whether it is meant to run, and is not frozen. */
  up = true;
  #retired = false;
  #since = Date.now();

  constructor(
    readonly name: string,
    readonly server: Pick<Server, 'child' | 'restart'>,
    private readonly onDeath: (what: string) => void,
  ) {
    this.#watch();
  }

  freeze(): void {
    this.up = false;
    this.server.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.server.child.kill('SIGCONT');
    this.up = true;
  }

  async kill(): Promise<void> {
    this.up = false;
    this.server.child.kill('SIGKILL');
    await this.server.child.exited;
  }

  /** Told to end in good order, it ends with status 0 and in time. */
  async end(): Promise<void> {
    this.up = false;
    const { code, signal } = await this.server.child.stop();
    const ready = Date.now() - this.#since > STARTING_MS; // before it hears of signals, SIGTERM simply ends it
    if (code !== 0 && (ready || signal !== 'SIGTERM'))
      this.onDeath(`${this.name}, told to stop, ended with ${code ?? signal}`);
  }

  async restart(): Promise<void> {
    if (this.#retired) return;
    await this.server.restart();
    this.up = true;
    this.#watch();
  }

  async heal(): Promise<void> {
    this.thaw();
    const { child } = this.server;
    const dead = await Promise.race([child.exited, new Promise((resolve) => setImmediate(resolve))]);
    if (dead) await this.restart();
  }

  /** From now on it may end. */
  retire(): void {
    this.#retired = true;
    this.up = false;
  }

  #watch(): void {
    const child: Child = this.server.child;
    this.#since = Date.now();
    void child.exited.then(({ code, signal }) => {
      if (this.server.child !== child || !this.up) return;
      this.up = false;
      this.onDeath(`${this.name} ended by itself with ${code ?? signal}:\n${child.tail()}`);
    });
  }
}
