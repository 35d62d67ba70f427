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
  small: { type: 'INT32' },
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

/** How many rows are held at once: some tens of MB, and enough to be packed well. */
const GROUP_ROWS = 10_000;
/** Raw transactions may be long: a group is also closed when it holds so many characters of them. */
const GROUP_CHARACTERS = 32_000_000;

type Value = string | number | bigint | boolean | Date | Uint8Array | undefined;

/** One column of the group that is being filled. */
interface Column {
  readonly type: ColumnType;
  values: Value[];
}

/** A Parquet file of events, written group by group. */
export class ParquetFile {
  readonly #writer: ParquetWriter;
  readonly #columns = new Map<string, Column>(columns.map(([name, type]) => [name, { type, values: [] }]));
  #rows = 0;
  #characters = 0;

  /** Overwrites the file. Every method throws what the file system says. */
  constructor(file: string) {
    this.#writer = new ParquetWriter({ writer: fileWriter(file), schema, createdBy: `argus ${version}` });
  }

  write(row: EventRow): void {
    for (const name in row) {
      const column = this.#columns.get(name);
      if (column) column.values[this.#rows] = cellOf(row[name as EventColumn], column.type);
    }
    this.#rows++;
    this.#characters += String(row.raw_tx ?? '').length + String(row.dispute_raw_tx ?? '').length;
    if (this.#rows >= GROUP_ROWS || this.#characters >= GROUP_CHARACTERS) this.#closeGroup();
  }

  finish(): void {
    this.#closeGroup();
    this.#writer.finish();
  }

  #closeGroup(): void {
    if (this.#rows === 0) return;
    const columnData = Array.from(this.#columns, ([name, { values }]) => ({
      name,
      data: Array.from({ length: this.#rows }, (_, i) => values[i]),
      offsetIndex: false,
      ...(NOISY.has(name) && NOISE),
    }));
    this.#writer.write({ columnData, rowGroupSize: this.#rows });
    for (const column of this.#columns.values()) column.values = [];
    this.#rows = 0;
    this.#characters = 0;
  }
}

/** How the columns are written that neither repeat themselves nor get any smaller. */
const NOISE = { codec: 'UNCOMPRESSED', encoding: 'PLAIN' } as const;
const NOISY: ReadonlySet<string> = new Set<EventColumn>([
  'commit_id',
  'appointment_id',
  'locator',
  'blob_sha256',
  'user_signature',
  'receipt_signature',
]);

function cellOf(value: EventRow[EventColumn], type: ColumnType): Value {
  switch (type) {
    case 'hex':
      return fromHex(String(value));
    case 'integer':
      return BigInt(Number(value));
    case 'time':
      return new Date(String(value));
    default:
      return value;
  }
}
