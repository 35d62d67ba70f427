import type { LimitsState } from '../projections/policy.js';
import { ConfigError } from './config-sources.js';

/** How much a node takes, of whom. Of a rate, 0 is no limit. */
export interface Limits {
  readonly maxAppointments: number;
  readonly maxBlobBytes: number;
  /** Of python clients, in blocks. */
  readonly minToSelfDelay: number;
  readonly maxUsers: number;
  readonly maxSlotsPerUser: number;
  /** From one source. */
  readonly registrationsPerMinute: number;
  readonly userRequestsPerSecond: number;
  readonly sourceRequestsPerSecond: number;
}

/** The limits as the file spells them. */
interface Spelt {
  readonly max_appointments: number;
  readonly max_blob_bytes: number;
  readonly min_to_self_delay: number;
  readonly max_users: number;
  readonly max_slots_per_user: number;
  readonly registrations_per_minute: number;
  readonly user_requests_per_second: number;
  readonly source_requests_per_second: number;
}

/**
 * A node's limits as they are at any time: what the operator set for the whole tower goes before the node's own. Whoever uses them asks
 * anew each time, so that what is set holds at once.
 */
export function liveLimits(own: Limits, set: () => LimitsState): Limits {
  const live = Object.entries(own).map(([name, value]) => [
    name,
    { enumerable: true, get: (): number => new Map(Object.entries(set())).get(name) ?? value },
  ]);
  return Object.defineProperties({ ...own }, Object.fromEntries(live));
}

/** What a subscription is, and what a shard holds and gives at the most, as that is at any time. */
export const termsOf = (
  subscription: { readonly slots: number; readonly duration: number; readonly grace: number },
  limits: Limits,
) => ({
  ...subscription,
  get maxAppointments(): number {
    return limits.maxAppointments;
  },
  get maxUsers(): number {
    return limits.maxUsers;
  },
  get maxSlots(): number {
    return limits.maxSlotsPerUser;
  },
});

/** How much a node takes, as its operator is shown it: by the names that the settings have in the file. */
export const shownLimits = ({ limits, registration, subscription }: ShownConfig): Record<string, number | string> => ({
  registration_policy: registration.policy,
  subscription_slots: subscription.slots,
  subscription_duration: subscription.duration,
  max_appointments: limits.maxAppointments,
  max_blob_bytes: limits.maxBlobBytes,
  min_to_self_delay: limits.minToSelfDelay,
  max_users: limits.maxUsers,
  max_slots_per_user: limits.maxSlotsPerUser,
  registrations_per_minute: limits.registrationsPerMinute,
  user_requests_per_second: limits.userRequestsPerSecond,
  source_requests_per_second: limits.sourceRequestsPerSecond,
});

interface ShownConfig {
  readonly limits: Limits;
  readonly registration: { readonly policy: string };
  readonly subscription: { readonly slots: number; readonly duration: number };
}

/** `slots`: what one registration gives. Throws `ConfigError` if nobody could register. */
export function limitsOf(spelt: Spelt, slots: number): Limits {
  const { max_slots_per_user: maxSlotsPerUser } = spelt;
  if (maxSlotsPerUser < slots)
    throw new ConfigError(`limits.max_slots_per_user: must not be less than subscription.slots, which is ${slots}`);
  return {
    maxAppointments: spelt.max_appointments,
    maxBlobBytes: spelt.max_blob_bytes,
    minToSelfDelay: spelt.min_to_self_delay,
    maxUsers: spelt.max_users,
    maxSlotsPerUser,
    registrationsPerMinute: spelt.registrations_per_minute,
    userRequestsPerSecond: spelt.user_requests_per_second,
    sourceRequestsPerSecond: spelt.source_requests_per_second,
  };
}
