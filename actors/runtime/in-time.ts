import { setTimeout as sleep } from 'node:timers/promises';

/** What a promise gives within so many milliseconds; undefined if it takes longer or fails. */
export function inTime<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const enough = new AbortController();
  const late = sleep(ms, undefined, { signal: enough.signal, ref: false });
  return Promise.race([promise, late])
    .catch(() => undefined)
    .finally(() => enough.abort());
}
