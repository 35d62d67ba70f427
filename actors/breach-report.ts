import { trackerAggregate } from '../events/aggregate.js';
import { reversed, toHex } from '../events/bytes.js';
import type { BlockRef } from '../events/chain.js';
import type { Decision } from '../events/decider.js';
import type { Height, Txid } from '../events/ids.js';
import type { BreachDetected, BreachSighted } from '../events/tracker.js';
import type { TrackerState } from '../projections/tracker.js';
import type { Found } from './bookings.js';
import type { Transactor } from './runtime/transact.js';

/** How the Watcher, the LocatorCache and the MempoolWatcher put a breach on the log: once, whichever of them, or of all nodes, was first. */

/** An appointment whose transaction has come. */
export type Hit = Pick<Found, 'appointmentId' | 'userId' | 'locator' | 'scheme' | 'blob'>;

/** A dispute, wherever it was seen; `block` is null in the mempool. The Responder hears of it at once. */
export interface Seen {
  readonly hit: Hit;
  readonly disputeTxid: Txid;
  readonly block: BlockRef | null;
}

export interface Sighting extends Seen {
  readonly block: BlockRef;
  readonly foundBy: BreachDetected['foundBy'];
}

/** The display-order txid of one in internal order. */
export const txidOf = (txidInternal: Uint8Array): Txid => toHex(reversed(txidInternal)) as Txid;

/**
 * A breach is news if its appointment has no tracker yet, or one whose dispute is not known to be in this block. Also where
 * the tracker was given up: a newer version of the appointment carries it on, from where the dispute is by then.
 */
export function decideBreach({ hit, disputeTxid, block, foundBy }: Sighting, state: TrackerState) {
  const { userId, locator } = hit;
  const event: BreachDetected = { type: 'BreachDetected', userId, locator, disputeTxid, block, foundBy };
  const isNews =
    state.stage === 'none' ||
    (state.stage !== 'irrevocable' && state.disputeTxid === disputeTxid && state.disputeBlock?.hash !== block.hash);
  return { outcome: isNews, events: isNews ? [event] : [] } satisfies Decision<boolean, BreachDetected>;
}

/** Whether the sighting was news; resolves when it is on the log, however long that takes. */
export const reportBreach = (transactor: Transactor, sighting: Sighting): Promise<boolean> =>
  transactor.transact({
    aggregate: trackerAggregate(sighting.hit.appointmentId),
    read: (shard) => shard.tracker(sighting.hit.appointmentId),
    decide: (state: TrackerState) => decideBreach(sighting, state),
    patience: Number.POSITIVE_INFINITY,
  });

/** A dispute in the mempool is news if its appointment has no tracker; `height` is that of the tip. */
export function decideSighted({ hit, disputeTxid }: Seen, height: Height, state: TrackerState) {
  const { userId, locator } = hit;
  const event: BreachSighted = { type: 'BreachSighted', userId, locator, disputeTxid, height };
  const isNews = state.stage === 'none';
  return { outcome: isNews, events: isNews ? [event] : [] } satisfies Decision<boolean, BreachSighted>;
}

/** Whether the dispute in the mempool was news; resolves when it is on the log, however long that takes. */
export const reportSighted = (transactor: Transactor, sighting: Seen, height: Height): Promise<boolean> =>
  transactor.transact({
    aggregate: trackerAggregate(sighting.hit.appointmentId),
    read: (shard) => shard.tracker(sighting.hit.appointmentId),
    decide: (state: TrackerState) => decideSighted(sighting, height, state),
    patience: Number.POSITIVE_INFINITY,
  });
