import type { Acceptance } from '../../events/acceptance.js';
import { aggregateName, userAggregate } from '../../events/aggregate.js';
import type { Commit, Recorded } from '../../events/commit.js';
import { CHAIN, POLICY } from '../../events/log/streams.js';
import type { AuditMessage } from './audit-source.js';

/** Events as flat rows, one an event, all of the same columns: as a line of JSON has them, and a Parquet file. */

/** What is in a column; in a row, `hex` and `time` are texts. `small`: an integer below 2^31. */
export type ColumnType = 'text' | 'hex' | 'small' | 'integer' | 'flag' | 'time';

/** Every column, in its order; a row has those that its event has something for. */
export const EVENT_COLUMNS = {
  stream: 'text',
  /** Absent in `CHAIN` and `POLICY`, which belong to no shard. */
  shard: 'small',
  position: 'integer',
  /** Which of the commit's events it is, from 0. */
  index: 'small',
  /** By the clock of the node that wrote the commit. */
  time: 'time',
  /** By the clock of the NATS server that stored it. */
  stored_time: 'time',
  commit_id: 'hex',
  node: 'text',
  aggregate: 'text',
  type: 'text',
  /** Of the event's shape, as it is on the log; the row is of the newest one. */
  version: 'small',
  /** Also where it is the aggregate. */
  user_id: 'hex',
  appointment_id: 'hex',
  locator: 'hex',
  scheme: 'text',
  dialect: 'text',
  slots: 'integer',
  slots_added: 'integer',
  slots_left: 'integer',
  slots_refunded: 'integer',
  start: 'integer',
  expiry: 'integer',
  start_block: 'integer',
  to_self_delay: 'integer',
  blob_position: 'integer',
  blob_sha256: 'hex',
  blob_size: 'small',
  /** The tower's, if it is not the log's first: of a user, or the one that begins. */
  identity: 'hex',
  identity_before: 'hex',
  old_signature: 'text',
  new_signature: 'text',
  user_signature: 'text',
  receipt_signature: 'text',
  /** The signature of the receipt whose version was deleted. */
  deleted_receipt: 'text',
  reason: 'text',
  swept_through: 'integer',
  dispute_txid: 'hex',
  penalty_txid: 'hex',
  found_by: 'text',
  block_height: 'integer',
  block_hash: 'hex',
  raw_tx: 'hex',
  dispute_raw_tx: 'hex',
  verdict: 'text',
  detail: 'text',
  final: 'flag',
  output_txid: 'hex',
  output_vout: 'integer',
  spent_by: 'hex',
  height: 'integer',
  hash: 'hex',
  prev_hash: 'hex',
  block_time: 'integer',
  chainwork: 'hex',
  tx_count: 'small',
  chain_position: 'integer',
  /** Also where it is what let a user in. */
  invite_id: 'hex',
  /** How many users an invite is for. */
  uses: 'integer',
  expiry_height: 'integer',
  expiry_time: 'time',
  note: 'text',
  /** `allow-list`, where it was no invite. */
  admitted_by: 'text',
  /** The store of another tower that the user, or all of them, was brought from. */
  imported_from: 'text',
  /** Of what was read there, and how much of it was brought, and was not. */
  digest: 'hex',
  users: 'integer',
  appointments: 'integer',
  trackers: 'integer',
  left_behind: 'integer',
  /** JSON of the operator's limits that were changed. */
  limits: 'text',
  /** JSON of the fields that have no column. */
  other: 'text',
} as const satisfies Record<string, ColumnType>;

export type EventColumn = keyof typeof EVENT_COLUMNS;
export type EventRow = Partial<Record<EventColumn, string | number | boolean>> & {
  readonly stream: string;
  readonly position: number;
  readonly type: string;
};

/** The columns whose names are not those of the fields in other letters. */
const NAMES: Readonly<Record<string, EventColumn>> = {
  blob: 'blob_position',
  through: 'swept_through',
  'BlockConnected.time': 'block_time',
  'IdentityRotated.from': 'identity_before',
  'IdentityRotated.to': 'identity',
  'TowerImported.from': 'imported_from',
  'TowerImported.left': 'left_behind',
  seen_height: 'block_height',
  seen_hash: 'block_hash',
  deletion_locator: 'locator',
  deletion_startBlock: 'start_block',
  deletion_receipt: 'deleted_receipt',
  deletion_userSignature: 'user_signature',
  deletion_receiptSignature: 'receipt_signature',
  admittedBy_inviteId: 'invite_id',
};

/** The rows of a commit's events. */
export function eventRows(commit: Recorded, message: AuditMessage): EventRow[] {
  const versions = storedVersions(message.data);
  return commit.events.map((event, index) => eventRow(commit, event, index, versions[index] ?? 1, message));
}

/** The row of a commit that is in its short form. */
export function acceptanceRow(acceptance: Acceptance, message: AuditMessage): EventRow {
  const commit = acceptance.commit();
  const [event] = commit.events;
  if (!event) throw new TypeError('an acceptance without an event');
  return eventRow({ ...commit, aggregate: userAggregate(acceptance.userId) }, event, 0, 1, message);
}

function eventRow(
  { id, aggregate, time, node }: Pick<Commit, 'id' | 'aggregate' | 'time' | 'node'>,
  event: Commit['events'][number],
  index: number,
  version: number,
  { stream, position, time: stored }: AuditMessage,
): EventRow {
  const { type } = event;
  const row: { -readonly [Name in keyof EventRow]: EventRow[Name] } = {
    stream,
    ...(stream !== CHAIN && stream !== POLICY && { shard: shardOfStream(stream) }),
    position,
    index,
    time,
    stored_time: new Date(stored).toISOString(),
    commit_id: id,
    node,
    aggregate: aggregateName(aggregate),
    type,
    version,
  };
  if (aggregate.kind === 'user') row.user_id = aggregate.id;
  if (aggregate.kind === 'tracker') row.appointment_id = aggregate.id;
  if (aggregate.kind === 'invite') row.invite_id = aggregate.id;
  fill(row, type, event as Fields);
  return row;
}

/** Fields that are one column, whatever is in them. */
const WHOLE: ReadonlySet<string> = new Set(['limits']);

type Fields = Readonly<Record<string, unknown>>;
/** Column by field; null where there is none. */
type Columns = Map<string, EventColumn | null>;

/** The columns of each event type's fields, and of what is within them: they are looked up for a million events. */
const known = new Map<string, { readonly of: Columns; readonly within: Map<string, Columns> }>();

function fill(row: Record<string, unknown>, type: string, fields: Fields): void {
  const columns = known.get(type) ?? { of: new Map(), within: new Map() };
  known.set(type, columns);
  for (const name in fields) {
    const value = WHOLE.has(name) ? JSON.stringify(fields[name]) : fields[name];
    if (value === null || name === 'type') continue;
    if (typeof value !== 'object') put(row, columns.of.get(name) ?? learn(columns.of, type, name, name), name, value);
    else {
      const within = columns.within.get(name) ?? new Map();
      columns.within.set(name, within);
      for (const part in value) {
        const column = within.get(part) ?? learn(within, type, part, `${name}_${part}`);
        put(row, column, `${name}_${part}`, (value as Fields)[part]);
      }
    }
  }
}

function learn(columns: Columns, type: string, name: string, field: string): EventColumn | null {
  const column = columnOf(type, field) ?? null;
  columns.set(name, column);
  return column;
}

function put(row: Record<string, unknown>, column: EventColumn | null, field: string, value: unknown): void {
  if (column !== null) row[column] = value;
  else row.other = JSON.stringify({ ...JSON.parse(String(row.other ?? '{}')), [field]: value });
}

/** `argus.<shard>.` stands for `TOWER_<shard>`. */
export const shardOfStream = (stream: string): number => Number(stream.slice(stream.lastIndexOf('_') + 1));

/** The column of a field of an event type, what is within a field by both names; undefined if there is none. */
export function columnOf(type: string, field: string): EventColumn | undefined {
  const snake = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const named = NAMES[`${type}.${field}`] ?? NAMES[field];
  return named ?? (Object.hasOwn(EVENT_COLUMNS, snake) ? (snake as EventColumn) : undefined);
}

/** The versions of a commit's events as they are stored; the commit is known to be one. */
function storedVersions(data: Uint8Array): number[] {
  const { events } = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8'));
  return (events as readonly { v: number }[]).map(({ v }) => v);
}
