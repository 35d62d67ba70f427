import type { Succession } from '../events/identity.js';
import type { BlockHash, Height, TowerId } from '../events/ids.js';
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

/** What the operator is told by one node, beside that. */
export const ownInfo = (
  config: Config,
  shown: InfoAnswer,
  bitcoind: { readonly isReachable: boolean; readonly mempool: { readonly size: number } },
  known: {
    readonly tip: BlockHash | undefined;
    readonly server: string | undefined;
    readonly isKeyMissing: boolean;
    readonly drift: readonly object[];
  },
): object => ({
  ...shown,
  node: config.node,
  tip: known.tip ?? null,
  bitcoind_reachable: bitcoind.isReachable,
  mempool_transactions: config.bitcoind.zmqSequence === undefined ? null : bitcoind.mempool.size,
  nats_server: known.server ?? null,
  ...(known.isKeyMissing && { identity_key_missing: true }),
  max_appointments: config.limits.maxAppointments,
  stream_drift: known.drift,
});
