import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';

/**
 * Time that passes only when it is told to: stands in for `setTimeout`, also as a promise, while it is installed.
 *
 * No clock is read by it; of the timers that run, the one that is due first goes off.
 */
export class VirtualTime {
  #now = 0;
  #ids = 0;
  readonly #timers = new Map<object, { readonly due: number; readonly go: () => void }>();

  /** Takes the place of the real timers; undone by the function that it gives. */
  install(): () => void {
    const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
    const realSleep = timersPromises.setTimeout;
    Object.assign(globalThis, {
      setTimeout: (go: () => void, ms = 0) => this.#set(go, ms),
      clearTimeout: (timer: object) => this.#timers.delete(timer),
    });
    Object.assign(timersPromises, { setTimeout: this.#sleep });
    syncBuiltinESMExports();
    return () => {
      Object.assign(globalThis, real);
      Object.assign(timersPromises, { setTimeout: realSleep });
      syncBuiltinESMExports();
    };
  }

  /** The timers of an earlier run are none of the next one's. */
  forget(): void {
    this.#timers.clear();
  }

  /** Lets the timer that is due first go off; false if there is none. */
  fireNext(): boolean {
    let [first] = this.#timers;
    for (const timer of this.#timers) if (first && timer[1].due < first[1].due) first = timer;
    if (!first) return false;
    this.#timers.delete(first[0]);
    this.#now = first[1].due;
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
