import type { RawCommit } from '../torture/checker/raw-log.js';

/** Whether each of so many breaches has its penalty in a block, as far as a log says: what is left to say comes with new blocks. */
export function areMined(log: readonly RawCommit[], breaches: number): boolean {
  const mined = new Map<string, boolean>();
  for (const { aggregate, events } of log.filter((commit) => commit.aggregate.startsWith('tracker/')))
    for (const { type } of events) {
      const before = mined.get(aggregate) ?? false;
      mined.set(aggregate, type === 'PenaltyConfirmed' || (before && type !== 'PenaltyReorgedOut'));
    }
  return mined.size === breaches && [...mined.values()].every((isMined) => isMined);
}
