import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import { fromHex } from '../../events/bytes.js';
import { version } from '../version.js';
import { type ColumnType, EVENT_COLUMNS, type EventColumn, type EventRow } from './event-rows.js';

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];
type SchemaElement = Schema[number];

/** How a column is in the file: ids and raw transactions as bytes, times as milliseconds in UTC. */
const TYPES: Readonly<Record<ColumnType, Omit<SchemaElement, 'name'>>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  hex: { type: 'BYTE_ARRAY' },
  integer: { type: 'INT64' },
  flag: { type: 'BOOLEAN' },
  time: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
};

const columns = Object.entries(EVENT_COLUMNS) as [EventColumn, ColumnType][];
/** Those that every row has. */
const REQUIRED: ReadonlySet<EventColumn> = new Set<EventColumn>([
  'stream',
  'position',
  'index',
  'time',
  'stored_time',
  'commit_id',
  'node',
  'aggregate',
  'type',
  'version',
]);

const schema: Schema = [
  { name: 'events', num_children: columns.length },
  ...columns.map(([name, type]): SchemaElement => {
    const repetition_type = REQUIRED.has(name) ? 'REQUIRED' : 'OPTIONAL';
    return { name, repetition_type, ...TYPES[type] };
  }),
];

/** How many rows are held at once: some 50 MB at the most, and enough to be packed well. */
const GROUP_ROWS = 20_000;
/** Raw transactions may be long: a group is also closed when it holds so many characters of them. */
const GROUP_CHARACTERS = 32_000_000;

type Value = string | bigint | boolean | Date | Uint8Array | undefined;

/** A Parquet file of events, written group by group. */
export class ParquetFile {
  readonly #writer: ParquetWriter;
  #columns: Value[][] = columns.map(() => []);
  #characters = 0;

  /** Overwrites the file. Every method throws what the file system says. */
  constructor(file: string) {
    this.#writer = new ParquetWriter({ writer: fileWriter(file), schema, createdBy: `argus ${version}` });
  }

  write(rows: readonly EventRow[]): void {
    for (const row of rows) {
      columns.forEach(([name, type], i) => void this.#columns[i]?.push(cellOf(row[name], type)));
      this.#characters += String(row.raw_tx ?? '').length + String(row.dispute_raw_tx ?? '').length;
      if ((this.#columns[0]?.length ?? 0) >= GROUP_ROWS || this.#characters >= GROUP_CHARACTERS) this.#closeGroup();
    }
  }

  finish(): void {
    this.#closeGroup();
    this.#writer.finish();
  }

  #closeGroup(): void {
    const count = this.#columns[0]?.length ?? 0;
    if (count === 0) return;
    const columnData = columns.map(([name], i) => ({ name, data: this.#columns[i] ?? [], offsetIndex: false }));
    this.#writer.write({ columnData, rowGroupSize: count });
    this.#columns = columns.map(() => []);
    this.#characters = 0;
  }
}

function cellOf(value: EventRow[EventColumn], type: ColumnType): Value {
  if (value === undefined) return undefined;
  switch (type) {
    case 'hex':
      return fromHex(String(value));
    case 'integer':
      return BigInt(Number(value));
    case 'time':
      return new Date(String(value));
    case 'flag':
      return value === true;
    case 'text':
      return String(value);
  }
}
