import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves with what `look` finds, as soon as it is truthy; rejects after a minute with what was waited for. */
export async function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(20)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`waited a minute in vain: ${what}`);
}
