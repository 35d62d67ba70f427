import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';

/**
 * Time that passes only when it is told to: stands in for `setTimeout`, also as a promise, while it is installed.
 *
 * The clocks stand still with it; of the timers that run, the one that is due first goes off.
 */
export class VirtualTime {
  #now = 0;
  #ids = 0;
  readonly #timers = new Map<object, { readonly due: number; readonly go: () => void }>();

  /** Takes the place of the real timers; undone by the function that it gives. */
  install(): () => void {
    const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
    const realSleep = timersPromises.setTimeout;
    const clocks = [Date, performance].map((clock) => ({ clock, now: clock.now }));
    for (const { clock } of clocks) Object.assign(clock, { now: () => this.#now });
    Object.assign(globalThis, {
      setTimeout: (go: () => void, ms = 0) => this.#set(go, ms),
      clearTimeout: (timer: object) => this.#timers.delete(timer),
    });
    Object.assign(timersPromises, { setTimeout: this.#sleep });
    syncBuiltinESMExports();
    return () => {
      Object.assign(globalThis, real);
      for (const { clock, now } of clocks) Object.assign(clock, { now });
      Object.assign(timersPromises, { setTimeout: realSleep });
      syncBuiltinESMExports();
    };
  }

  /** The timers of an earlier run are none of the next one's. */
  forget(): void {
    this.#timers.clear();
  }

  /** Whether nobody waits for a time to come. */
  get isIdle(): boolean {
    return this.#timers.size === 0;
  }

  /** Time passes, and whatever is due by then is late. */
  pass(ms: number): void {
    this.#now += ms;
  }

  /** Lets the timer that is due first go off; false if there is none. */
  fireNext(): boolean {
    let [first] = this.#timers;
    for (const timer of this.#timers) if (first && timer[1].due < first[1].due) first = timer;
    if (!first) return false;
    this.#timers.delete(first[0]);
    this.#now = Math.max(this.#now, first[1].due);
    first[1].go();
    return true;
  }

  #set(go: () => void, ms: number): object {
    const timer = { id: this.#ids++ };
    this.#timers.set(timer, { due: this.#now + ms, go });
    return timer;
  }

  readonly #sleep = <T>(ms: number, value: T, options?: { signal?: AbortSignal }): Promise<T> =>
    new Promise((resolve, reject) => {
      const signal = options?.signal;
      const timer = this.#set(() => resolve(value), ms);
      const stop = () => {
        this.#timers.delete(timer);
        reject(signal?.reason);
      };
      if (signal?.aborted) stop();
      else signal?.addEventListener('abort', stop, { once: true });
    });
}
