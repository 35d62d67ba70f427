import { existsSync, renameSync, rmSync } from 'node:fs';
import type { EventRow } from '../../actors/auditor/event-rows.js';
import type { HistorySource } from '../../actors/auditor/history-source.js';
import type { LogPoint } from '../../actors/auditor/log-point.js';
import { messagesIn, rangesBetween, rowsIn, type StreamRange } from '../../actors/auditor/log-range.js';
import { NdjsonFile, remainingFrom } from '../../actors/auditor/ndjson-file.js';
import type { Way } from '../../actors/auditor/tower-fold.js';
import { notUnderstood } from '../arguments.js';
import { writeOut } from './output.js';
import { placeBefore, placeThrough } from './points.js';
import type { Walk } from './walk.js';

export interface ExportOptions {
  readonly format: 'ndjson' | 'parquet';
  /** A file, which is there under its name when it is whole; stdout unless given. */
  readonly out: string | undefined;
  readonly from: LogPoint | undefined;
  readonly until: LogPoint;
  /** The only shard that is wanted, without the chain. */
  readonly shard: number | undefined;
  /** Whether to go on with what an export to this file left behind when it was broken off. */
  readonly resume: boolean;
  /** Whether a file that is there is replaced. */
  readonly force: boolean;
}

/** `argus audit export`: the events of a range, one a row. */
export async function exportEvents(source: HistorySource, options: ExportOptions, walk: Walk): Promise<void> {
  const { out, format } = options;
  check(options);
  if (options.shard !== undefined && options.shard >= source.shards)
    throw notUnderstood(`this log has no shard ${options.shard}: they are 0 to ${source.shards - 1}`);
  const after = await placeBefore(options.from, source, walk.signal);
  const ranges = rangesBetween(after, await placeThrough(options.until, source, walk.signal), options.shard);
  if (out === undefined) return toStdout(ranges, source, walk);
  const part = `${out}.part`;
  if (format === 'parquet') await toParquet(part, ranges, source, walk);
  else await toNdjson(part, ranges, source, options.resume, walk);
  renameSync(part, out);
}

function check({ out, format, resume, force }: ExportOptions): void {
  if (out === undefined && format === 'parquet') throw notUnderstood('a Parquet file needs a name: --out FILE');
  if (resume && (out === undefined || format === 'parquet'))
    throw notUnderstood('only a file of JSON lines can be gone on with: --resume goes with --out and --format ndjson');
  if (resume && out !== undefined && !existsSync(`${out}.part`))
    throw notUnderstood(`there is no ${out}.part to go on with`);
  if (out !== undefined && !force && existsSync(out))
    throw notUnderstood(`${out} is there already; --force replaces it`);
}

async function toParquet(file: string, ranges: readonly StreamRange[], source: HistorySource, walk: Walk) {
  try {
    const { ParquetFile } = await import('../../actors/auditor/parquet-file.js');
    const parquet = new ParquetFile(file);
    for await (const _ of rows(ranges, source, walk.way(messagesIn(ranges)), (row) => parquet.write(row)));
    parquet.finish();
  } catch (error) {
    // It cannot be gone on with.
    rmSync(file, { force: true });
    throw error;
  }
}

async function toNdjson(
  file: string,
  ranges: readonly StreamRange[],
  source: HistorySource,
  resume: boolean,
  walk: Walk,
) {
  const ndjson = new NdjsonFile(file, { resume });
  try {
    const left = remainingFrom(ranges, ndjson.last);
    for await (const lines of rows(left, source, walk.way(messagesIn(left)), (row) => JSON.stringify(row)))
      ndjson.write(lines);
  } finally {
    // Also of what was broken off: it can be gone on with.
    ndjson.finish();
  }
}

async function* rows<T>(
  ranges: readonly StreamRange[],
  source: HistorySource,
  way: Way,
  make: (row: EventRow) => T,
): AsyncGenerator<readonly T[]> {
  for (const range of ranges) yield* rowsIn(range, source, way, make);
}

/** A terminal that shows the rows is no place for the progress. */
async function toStdout(ranges: readonly StreamRange[], source: HistorySource, { signal, way }: Walk): Promise<void> {
  const seen = process.stdout.isTTY ? { signal } : way(messagesIn(ranges));
  for await (const lines of rows(ranges, source, seen, (row) => `${JSON.stringify(row)}\n`))
    await writeOut(lines.join(''));
}
