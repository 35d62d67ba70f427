import type { RawCommit } from '../torture/checker/raw-log.js';

const MINED = new Set(['PenaltyConfirmed', 'PenaltyIrrevocable']);

/** Whether so many breaches are on a log, and of each that its penalty is mined: then there is nothing to say of them but at new blocks. */
export function areMined(log: readonly RawCommit[], breaches: number): boolean {
  const last = new Map<string, string | undefined>();
  for (const { aggregate, events } of log)
    if (aggregate.startsWith('tracker/')) last.set(aggregate, events.at(-1)?.type);
  return last.size === breaches && [...last.values()].every((type) => MINED.has(type ?? ''));
}
