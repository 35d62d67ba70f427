import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from '../figure.js';
import { startSeconds } from '../load/audit-command.js';
import { median, round } from '../measure/statistics.js';
import { auditedLog, bareRates, fastest, ofTurns, rounded, TURNS } from '../stage/audited-log.js';

/**
 * Events a second that `argus audit export` writes as JSON lines to a file, from when its program is loaded until the file is whole
 * and the program gone; and, beside it, as Parquet.
 *
 * The limit is that of `audit-replay`: reading the same messages.
 */
export const auditExport: Figure = {
  name: 'audit-export',
  says: 'events a second that an auditor exports, of 1 million appointments',

  async measure(lab) {
    const log = await auditedLog(lab);
    const turns = [];
    for (let turn = 0; turn < TURNS; turn++) {
      const bare = await bareRates(log);
      const start = await startSeconds();
      const fileOf = (format: string) => join(log.stage.folder, `events.${format}`);
      const [ndjson, parquet] = [fileOf('ndjson'), fileOf('parquet')];
      const rateOf = async (format: string, out: string) =>
        log.events / ((await log.command.seconds('export', '--format', format, '--out', out)) - start);
      const value = await rateOf('ndjson', ndjson);
      const asParquet = await rateOf('parquet', parquet);
      const bytes = { bytes: statSync(ndjson).size / log.events, parquet_bytes: statSync(parquet).size / log.events };
      for (const file of [ndjson, parquet]) rmSync(file);
      turns.push({ ...bare, value, limit: fastest(bare), parquet: asParquet, start, ...bytes });
      lab.say(`${round(value)} events/s, Parquet ${round(asParquet)}, bare ${round(fastest(bare))}`);
    }
    return {
      ...ofTurns(turns),
      details: {
        events: log.events,
        parquet: round(median(turns.map(({ parquet }) => parquet))),
        turns: turns.map(rounded),
      },
    };
  },
};
