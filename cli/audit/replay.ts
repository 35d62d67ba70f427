import { BookedList, readBooked } from '../../actors/auditor/booked-list.js';
import type { HistorySource } from '../../actors/auditor/history-source.js';
import { beginningOf } from '../../actors/auditor/log-place.js';
import type { LogPoint } from '../../actors/auditor/log-point.js';
import { StateBefore, type StateChange } from '../../actors/auditor/state-diff.js';
import { type AppointmentRow, shardRows, tipRow, trackerRows, userRows } from '../../actors/auditor/state-rows.js';
import { TowerFold } from '../../actors/auditor/tower-fold.js';
import type { Shard, UserId } from '../../events/ids.js';
import { printJson } from '../print.js';
import { printJsonLines, printTable, writeOut } from './output.js';
import { messagesBetween, placeThrough } from './points.js';
import type { Walk } from './walk.js';

export interface ReplayOptions {
  readonly until: LogPoint;
  /** From where to where to tell what changed, instead of telling all. */
  readonly diff: readonly [LogPoint, LogPoint] | undefined;
  readonly user: UserId | undefined;
  /** Whether only the numbers are told. */
  readonly summary: boolean;
  readonly json: boolean;
}

/** `argus audit replay`: what the tower was at a moment. */
export async function replay(source: HistorySource, options: ReplayOptions, walk: Walk): Promise<void> {
  const { user, summary, json } = options;
  if (options.diff) return diff(source, options.diff, options, walk);
  const place = await placeThrough(options.until, source, walk.signal);
  const fold = new TowerFold(source);
  await fold.foldTo(place, walk.way(messagesBetween(beginningOf(source), place)));
  walk.clear();
  const all = user === undefined;
  if (json) {
    if (all) await printJsonLines([tipRow(fold.chain), ...shardRows(fold)]);
    if (summary) return;
    await printJsonLines(userRows(fold, user));
    await printJsonLines(appointments(source, fold, user, walk.signal));
    return printJsonLines(trackerRows(fold, user));
  }
  const { height, hash } = tipRow(fold.chain);
  await writeOut(height === null ? 'no block yet\n' : `tip ${height} ${hash}\n`);
  if (all) await printTable('shards', SHARDS, shardRows(fold));
  if (summary) return;
  await printTable('users', USERS, userRows(fold, user));
  await printTable('appointments', APPOINTMENTS, appointments(source, fold, user, walk.signal));
  return printTable('trackers', TRACKERS, trackerRows(fold, user));
}

async function* appointments(
  source: HistorySource,
  { shards }: TowerFold,
  user: UserId | undefined,
  signal: AbortSignal,
): AsyncGenerator<AppointmentRow> {
  for (const [shard, state] of shards.entries()) {
    const booked = new BookedList(state, user);
    for await (const [row, { status }] of readBooked(source, shard as Shard, booked, { signal }))
      yield { ...row, status };
  }
}

async function diff(
  source: HistorySource,
  points: readonly [LogPoint, LogPoint],
  { user, json }: ReplayOptions,
  { signal, way, clear }: Walk,
): Promise<void> {
  const [from, to] = [await placeThrough(points[0], source, signal), await placeThrough(points[1], source, signal)];
  const fold = new TowerFold(source);
  const onWay = way(messagesBetween(beginningOf(source), to));
  await fold.foldTo(from, onWay);
  const before = new StateBefore(fold, user);
  await fold.foldTo(to, onWay);
  clear();
  for await (const change of before.changesTo(fold, source, { signal }))
    if (json) printJson(change);
    else await writeOut(`${changeLine(change)}\n`);
}

/** A change for people: what it is of, what became of it, and the fields that are otherwise. */
export function changeLine({ kind, change, before, after }: StateChange): string {
  const row: Record<string, unknown> = { ...(after ?? before) };
  const old: Record<string, unknown> = { ...before };
  const id = row[ID_OF[kind]];
  const isNews = before === null;
  const fields = after === null ? [] : Object.keys(row).filter((name) => name !== 'kind' && name !== ID_OF[kind]);
  const told = fields
    .filter((name) => (isNews ? row[name] !== null : row[name] !== old[name]))
    .map((name) => `${name} ${isNews ? row[name] : `${old[name]} -> ${row[name]}`}`);
  const head = [kind, id, change].filter((part) => part !== undefined).join(' ');
  return told.length > 0 ? `${head}: ${told.join(', ')}` : head;
}

const ID_OF: Readonly<Record<StateChange['kind'], string>> = {
  tip: '',
  shard: 'shard',
  user: 'user_id',
  appointment: 'appointment_id',
  tracker: 'appointment_id',
};

const SHARDS = {
  SHARD: 'shard',
  'LOG POSITION': 'position',
  'SCANNED TO': 'scanned_height',
  USERS: 'users',
  APPOINTMENTS: 'appointments',
  TRACKERS: 'trackers',
};
const USERS = {
  USER: 'user_id',
  STATUS: 'status',
  DIALECT: 'dialect',
  SLOTS: 'available_slots',
  START: 'subscription_start',
  EXPIRY: 'subscription_expiry',
  APPOINTMENTS: 'appointments',
};
const APPOINTMENTS = {
  APPOINTMENT: 'appointment_id',
  LOCATOR: 'locator',
  USER: 'user_id',
  STATUS: 'status',
  SLOTS: 'slots',
  'START BLOCK': 'start_block',
  BYTES: 'blob_bytes',
  POSITION: 'position',
};
const TRACKERS = {
  APPOINTMENT: 'appointment_id',
  STAGE: 'stage',
  DISPUTE: 'dispute_txid',
  'AT HEIGHT': 'dispute_height',
  PENALTY: 'penalty_txid',
  'MINED AT': 'penalty_height',
};
