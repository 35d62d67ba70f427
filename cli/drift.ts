import { Table } from './print.js';

/** Prints which settings of the streams are not as they should be, if any: `{stream, field, is, wanted}` each. */
export function printDrift(drift: readonly object[]): void {
  const rows = drift.map((difference) => ({ ...difference }));
  if (rows.length > 0)
    new Table({ 'NOT AS WANTED': 'stream', SETTING: 'field', IS: 'is', WANTED: 'wanted' }).print(rows);
}
