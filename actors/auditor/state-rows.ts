import type { AppointmentId, Shard, UserId } from '../../events/ids.js';
import type { AppointmentAccepted } from '../../events/user.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { TrackerState } from '../../projections/tracker.js';
import type { Account } from '../../projections/user.js';
import type { TowerFold } from './tower-fold.js';

/** A folded tower as rows, the names of whose fields are those that an operator's questions are answered with. */

export interface TipRow {
  readonly kind: 'tip';
  /** Null before the first block. */
  readonly height: number | null;
  readonly hash: string | null;
}

export interface ShardRow {
  readonly kind: 'shard';
  readonly shard: number;
  /** How many of its commits are folded. */
  readonly position: number;
  readonly scanned_height: number | null;
  /** Registered ones, whether or not their subscription ran out. */
  readonly users: number;
  /** Live ones. */
  readonly appointments: number;
  /** Breaches that are being answered. */
  readonly trackers: number;
}

export interface UserRow {
  readonly kind: 'user';
  readonly user_id: UserId;
  readonly shard: number;
  /** `expired`: its subscription ran out, and its time of grace has not. */
  readonly status: 'unknown' | 'registered' | 'expired' | 'outdated';
  readonly dialect: string | null;
  readonly available_slots: number | null;
  readonly subscription_start: number | null;
  readonly subscription_expiry: number | null;
  /** How many it has, with those that were rejected. */
  readonly appointments: number;
}

export interface AppointmentRow {
  readonly kind: 'appointment';
  readonly appointment_id: AppointmentId;
  readonly locator: string;
  readonly user_id: UserId;
  readonly status: 'live' | 'rejected';
  readonly scheme: string;
  readonly slots: number;
  readonly start_block: number;
  readonly to_self_delay: number;
  readonly blob_bytes: number;
  readonly blob_sha256: string;
  readonly shard: number;
  /** That of the commit which accepted this version of it. */
  readonly position: number;
}

export interface TrackerRow {
  readonly kind: 'tracker';
  readonly appointment_id: AppointmentId;
  readonly locator: string | null;
  readonly user_id: UserId | null;
  readonly stage: TrackerState['stage'];
  readonly dispute_txid: string | null;
  /** Null while the dispute is in no block. */
  readonly dispute_height: number | null;
  readonly penalty_txid: string | null;
  readonly penalty_height: number | null;
}

export type StateRow = TipRow | ShardRow | UserRow | AppointmentRow | TrackerRow;

export const tipRow = ({ tip }: BlockWindow): TipRow => ({
  kind: 'tip',
  height: tip?.height ?? null,
  hash: tip?.hash ?? null,
});

export function* shardRows({ shards, chain }: TowerFold): Generator<ShardRow> {
  for (const [shard, state] of shards.entries()) {
    const { position, scans, counts } = state;
    yield { kind: 'shard', shard, position, scanned_height: scans.highestOn(chain)?.height ?? null, ...counts };
  }
}

/** Every user that ever registered, or the one that is asked for if it did. */
export function* userRows({ shards, chain }: TowerFold, only?: UserId): Generator<UserRow> {
  for (const [shard, state] of shards.entries())
    for (const id of only ? [only] : state.userIds) {
      const { state: account, version } = state.user(id);
      if (version > 0) yield userRow(id, shard as Shard, account, lengthOf(state.bookedBy(id)), chain);
    }
}

function userRow(id: UserId, shard: Shard, account: Account, appointments: number, { tip }: BlockWindow): UserRow {
  const registered = account.status === 'registered' ? account : undefined;
  const isOver = registered && tip && tip.height >= registered.expiry;
  return {
    kind: 'user',
    user_id: id,
    shard,
    status: isOver ? 'expired' : account.status,
    dialect: registered?.dialect ?? null,
    available_slots: registered?.slots ?? null,
    subscription_start: registered?.start ?? null,
    subscription_expiry: registered?.expiry ?? null,
    appointments,
  };
}

export const appointmentRow = (
  event: AppointmentAccepted,
  place: Pick<AppointmentRow, 'user_id' | 'status' | 'shard' | 'position'>,
): AppointmentRow => ({
  kind: 'appointment',
  appointment_id: event.appointmentId,
  locator: event.locator,
  user_id: place.user_id,
  status: place.status,
  scheme: event.scheme,
  slots: event.slots,
  start_block: event.startBlock,
  to_self_delay: event.toSelfDelay,
  blob_bytes: event.blob.size,
  blob_sha256: event.blob.sha256,
  shard: place.shard,
  position: place.position,
});

/** Every tracker that ever was, or those of one user. */
export function* trackerRows({ shards }: TowerFold, only?: UserId): Generator<TrackerRow> {
  for (const state of shards) yield* trackersOf(state, only);
}

function* trackersOf(shard: ShardState, only: UserId | undefined): Generator<TrackerRow> {
  for (const [id, { state }] of shard.trackers())
    if (only === undefined || (state.stage !== 'none' && state.userId === only)) yield trackerRow(id, state);
}

export function trackerRow(id: AppointmentId, state: TrackerState): TrackerRow {
  const tracker = state.stage === 'none' ? undefined : state;
  return {
    kind: 'tracker',
    appointment_id: id,
    locator: tracker?.locator ?? null,
    user_id: tracker?.userId ?? null,
    stage: state.stage,
    dispute_txid: tracker?.disputeTxid ?? null,
    dispute_height: tracker?.disputeBlock?.height ?? null,
    penalty_txid: (tracker && 'penalty' in tracker && tracker.penalty?.txid) || null,
    penalty_height: tracker && 'block' in tracker ? tracker.block.height : null,
  };
}

function lengthOf(items: Iterable<unknown>): number {
  let length = 0;
  for (const _ of items) length++;
  return length;
}
