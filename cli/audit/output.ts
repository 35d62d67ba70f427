import { once } from 'node:events';
import { Table } from '../print.js';

/** What streams to stdout, no faster than whoever reads it. */

const CHUNK = 65_536;
const PAGE = 100;

export async function writeOut(text: string): Promise<void> {
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** Each as a line of JSON. */
export async function printJsonLines(items: Iterable<unknown> | AsyncIterable<unknown>): Promise<void> {
  let text = '';
  for await (const item of items) {
    text += `${JSON.stringify(item)}\n`;
    if (text.length < CHUNK) continue;
    await writeOut(text);
    text = '';
  }
  await writeOut(text);
}

/** A heading and a table, page by page; only the heading where there is nothing. */
export async function printTable(
  heading: string,
  columns: Readonly<Record<string, string>>,
  items: Iterable<object> | AsyncIterable<object>,
): Promise<void> {
  const table = new Table(columns);
  let rows: Record<string, unknown>[] = [];
  let count = 0;
  await writeOut(`\n${heading}\n`);
  const print = async () => {
    if (rows.length > 0) table.print(rows);
    rows = [];
    await writeOut('');
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
  };
  for await (const item of items) {
    rows.push({ ...item });
    count++;
    if (rows.length >= PAGE) await print();
  }
  await print();
  if (count === 0) await writeOut('none\n');
}
