import type { Counts, ShardState } from './shard-state.js';

/** The tower in numbers: the sum of its shards. */
export interface TowerNumbers {
  readonly users: number;
  /** Appointments that wait for a breach. */
  readonly watched: number;
  /** Breaches being answered. */
  readonly trackers: number;
}

/** Every appointment that the tower holds, waiting or being answered. */
export const heldAppointments = (shards: Iterable<ShardState>): number => total(shards, 'appointments');

/** Every user with a subscription that is not outdated. */
export const registeredUsers = (shards: Iterable<ShardState>): number => total(shards, 'users');

export const towerNumbers = (shards: readonly ShardState[]): TowerNumbers => ({
  users: total(shards, 'users'),
  watched: shards.reduce((sum, { waiting }) => sum + waiting, 0),
  trackers: total(shards, 'trackers'),
});

function total(shards: Iterable<ShardState>, what: keyof Counts): number {
  let sum = 0;
  for (const shard of shards) sum += shard.counts[what];
  return sum;
}
