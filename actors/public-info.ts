import type { Succession } from '../events/identity.js';
import type { Height, TowerId } from '../events/ids.js';
import type { Config } from './config.js';
import { version } from './version.js';
import type { InfoAnswer } from './wire.js';

/** What anybody may know of a tower. */
export const publicInfo = (
  config: Config,
  towerId: TowerId,
  height: Height | undefined,
  successions: readonly Succession[] = [],
): InfoAnswer => ({
  tower_id: towerId,
  network: config.network,
  version,
  height: height ?? null,
  subscription_slots: config.subscription.slots,
  subscription_duration: config.subscription.duration,
  max_blob_bytes: config.limits.maxBlobBytes,
  registration_policy: config.registration.policy,
  ...(successions.length > 0 && { successions: [...successions] }),
});
