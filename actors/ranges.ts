/** Whole numbers from one to another, both included. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What people write as `0-3,7`; undefined for what is not that. */
export function parseRanges(text: string): Range[] | undefined {
  const found = text.split(',').map((part) => /^\s*(\d{1,9})(?:-(\d{1,9}))?\s*$/.exec(part));
  const all = found.map((match) => ({ from: Number(match?.[1]), to: Number(match?.[2] ?? match?.[1]) }));
  return all.every(({ from, to }) => from <= to) ? all : undefined;
}

/** Whole numbers, ascending, as people write them: `["7", "10-12"]`. */
export function ranges(numbers: readonly number[]): string[] {
  const found: { from: number; to: number }[] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last && number === last.to + 1) last.to = number;
    else found.push({ from: number, to: number });
  }
  return found.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`));
}

/** `shard 3`, `shards 0-2,7` */
export const shardsText = (shards: readonly number[]): string =>
  `shard${shards.length === 1 ? '' : 's'} ${ranges(shards.toSorted((a, b) => a - b)).join(',')}`;
