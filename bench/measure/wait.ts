import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '../../cli/servers/child.js';

/** No wait of a benchmark is longer than this, in ms, unless it says so. */
const PATIENCE_MS = 60_000;

/** Resolves with what `look` finds as soon as it is truthy; rejects after a minute, or so many ms, with what was waited for. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  patience = PATIENCE_MS,
): Promise<NonNullable<T>> {
  for (const end = Date.now() + patience; Date.now() < end; await sleep(10)) {
    const found = await look();
    if (found) return found;
  }
  throw inVain(what, patience);
}

/** What a promise resolves to; rejects after a minute with what was waited for. */
export async function patiently<T extends object>(what: string, promise: Promise<T>): Promise<T> {
  const found = await within(promise, PATIENCE_MS);
  if (found === undefined) throw inVain(what);
  return found;
}

const inVain = (what: string, ms = PATIENCE_MS) => new Error(`waited ${ms / 1000} s in vain: ${what}`);

/** Does `work` for every item, so many at once. */
export async function forAll<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
