import { readFileSync } from 'node:fs';
import { parquetReadObjects } from 'hyparquet';

/** The rows of a Parquet file as their JSON is: bytes in hex, times as text, what is null left out. */
export async function parquetRows(file: string): Promise<Record<string, unknown>[]> {
  const bytes = readFileSync(file);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const rows = await parquetReadObjects({ file: buffer, utf8: false });
  return rows.map((row) => Object.fromEntries(Object.entries(row).flatMap(([name, value]) => asJson(name, value))));
}

function asJson(name: string, value: unknown): [string, unknown][] {
  if (value === null || value === undefined) return [];
  if (typeof value === 'bigint') return [[name, Number(value)]];
  if (value instanceof Uint8Array) return [[name, Buffer.from(value).toString('hex')]];
  if (value instanceof Date) return [[name, value.toISOString()]];
  return [[name, value]];
}
