import { trackerAggregate } from '../events/aggregate.js';
import { reversed, toHex } from '../events/bytes.js';
import type { BlockRef } from '../events/chain.js';
import type { ChainCommit } from '../events/commit.js';
import type { Decision } from '../events/decider.js';
import type { Height, Txid } from '../events/ids.js';
import type { BreachDetected, BreachSighted } from '../events/tracker.js';
import type { BlockWindow } from '../projections/block-window.js';
import type { Fold } from '../projections/fold.js';
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
 * the tracker was given up: a newer version of the appointment carries it on, from where the dispute is by then. A block that
 * the log's chain has left is no news of a dispute that is known: whoever was away would contradict the others.
 */
export function decideBreach(sighting: Sighting, state: TrackerState, isBest: (block: BlockRef) => boolean) {
  const { hit, disputeTxid, block, foundBy } = sighting;
  const { userId, locator } = hit;
  const event: BreachDetected = { type: 'BreachDetected', userId, locator, disputeTxid, block, foundBy };
  const isNews = state.stage === 'none' || (isElsewhere(sighting, state) && isBest(block));
  return { outcome: isNews, events: isNews ? [event] : [] } satisfies Decision<boolean, BreachDetected>;
}

/** Whether a dispute that is being answered is somewhere else than the log says. */
const isElsewhere = ({ disputeTxid, block }: Sighting, state: TrackerState): boolean =>
  state.stage !== 'none' &&
  state.stage !== 'irrevocable' &&
  state.disputeTxid === disputeTxid &&
  state.disputeBlock?.hash !== block.hash;

/** Whether the sighting was news; resolves when it is on the log, however long that takes. */
export const reportBreach = ({ transactor, chain }: ReportNeeds, sighting: Sighting): Promise<boolean> =>
  transactor.transact({
    aggregate: trackerAggregate(sighting.hit.appointmentId),
    read: async (shard) => {
      // Asked again after each conflict: the others may be blocks ahead.
      if (isElsewhere(sighting, shard.tracker(sighting.hit.appointmentId).state)) await chain.level();
      return shard.tracker(sighting.hit.appointmentId);
    },
    decide: (state: TrackerState) => decideBreach(sighting, state, (block) => chain.state.isBest(block)),
    patience: Number.POSITIVE_INFINITY,
  });

interface ReportNeeds {
  readonly transactor: Transactor;
  readonly chain: Pick<Fold<ChainCommit, BlockWindow>, 'level' | 'state'>;
}

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
