import { trackerAggregate, userAggregate } from '../../events/aggregate.js';
import type { Recorded } from '../../events/commit.js';
import type { AppointmentId, Shard, UserId } from '../../events/ids.js';
import type { EventLog } from '../../events/log/log.js';

/** One event of an appointment's life, as the log has it. */
export interface HistoryEntry {
  readonly position: number;
  readonly time: string;
  readonly type: string;
  /** What matters of it to a person. */
  readonly says: string;
}

/** What happened to an appointment and its user, read back from the log, oldest first. */
export async function historyOf(log: EventLog, userId: UserId, id: AppointmentId): Promise<HistoryEntry[]> {
  const shard = 0 as Shard;
  const [ofUser, ofTracker] = await Promise.all([
    log.load(userAggregate(userId), shard),
    log.load(trackerAggregate(id), shard),
  ]);
  const commits = [...ofUser, ...ofTracker].sort((a, b) => a.position - b.position);
  return commits.flatMap(({ events, position, time }) =>
    events.map((event) => ({ position, time, type: event.type, says: sayEvent(event) })),
  );
}

const short = (hex: string) => `${hex.slice(0, 12)}...`;

function sayEvent(event: Recorded['events'][number]): string {
  switch (event.type) {
    case 'UserRegistered':
    case 'SubscriptionRenewed':
      return `${event.slots} slots until height ${event.expiry}`;
    case 'AppointmentAccepted':
      return `locator ${short(event.locator)}, ${event.blob.size} bytes sealed, ${event.slotsLeft} slots left`;
    case 'AppointmentEnded':
      return `${event.reason}, ${event.slotsRefunded} slot given back`;
    case 'BreachSighted':
      return `dispute ${short(event.disputeTxid)} in the mempool at height ${event.height}`;
    case 'BreachDetected':
      return `dispute ${short(event.disputeTxid)} in block ${event.block.height}, found by the ${event.foundBy}`;
    case 'PenaltyBroadcast':
      return `penalty ${short(event.penaltyTxid)} at height ${event.height}`;
    case 'PenaltyConfirmed':
      return `penalty ${short(event.penaltyTxid)} in block ${event.block.height}`;
    case 'PenaltyIrrevocable':
      return `100 blocks deep at height ${event.height}`;
    default:
      return '';
  }
}
