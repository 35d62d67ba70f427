import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '../../cli/servers/child.js';

/** No wait of a benchmark is longer than this, in ms. */
const PATIENCE_MS = 60_000;

/** Resolves with what `look` finds as soon as it is truthy; rejects after a minute with what was waited for. */
export async function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(10)) {
    const found = await look();
    if (found) return found;
  }
  throw inVain(what);
}

/** What a promise resolves to; rejects after a minute with what was waited for. */
export async function patiently<T extends object>(what: string, promise: Promise<T>): Promise<T> {
  const found = await within(promise, PATIENCE_MS);
  if (found === undefined) throw inVain(what);
  return found;
}

const inVain = (what: string) => new Error(`waited ${PATIENCE_MS / 1000} s in vain: ${what}`);

/** Does `work` for every item, so many at once. */
export async function forAll<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
