import type { Acceptance } from '../../events/acceptance.js';
import { toHex } from '../../events/bytes.js';
import type { Recorded, ShardCommit } from '../../events/commit.js';
import type { AppointmentId, Locator, Position, UserId } from '../../events/ids.js';
import type { TrackerEvent } from '../../events/tracker.js';
import type { UserEvent } from '../../events/user.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { AnswerTimes } from './answer-times.js';

/** How often each of some things happened, by name. */
export type Tally = Record<string, number>;

/** What is counted over a range. */
export interface Counted {
  readonly users: { registered: number; renewed: number; outdated: number };
  readonly slots: { sold: number; charged: number; refunded: number };
  readonly appointments: { accepted: number; updated: number; readonly ended: Tally };
  readonly breaches: {
    detected: number;
    sighted: number;
    reorged_out: number;
    readonly found_by: Tally;
    readonly blob_refused: Tally;
  };
  readonly penalties: {
    broadcast: number;
    confirmed: number;
    irrevocable: number;
    reorged_out: number;
    outspent: number;
    given_up: number;
    readonly refused: Tally;
  };
}

export const nothingCounted = (): Counted => ({
  users: { registered: 0, renewed: 0, outdated: 0 },
  slots: { sold: 0, charged: 0, refunded: 0 },
  appointments: { accepted: 0, updated: 0, ended: {} },
  breaches: { detected: 0, sighted: 0, reorged_out: 0, found_by: {}, blob_refused: {} },
  penalties: { broadcast: 0, confirmed: 0, irrevocable: 0, reorged_out: 0, outspent: 0, given_up: 0, refused: {} },
});

/**
 * Counts what happens in a shard. Each commit is given to it before it is folded: what is there already tells an appointment that is
 * taken in from a newer version of one, and what it is charged.
 */
export class ShardStatistics {
  constructor(
    private readonly state: ShardState,
    private readonly counted: Counted,
    readonly answers: AnswerTimes,
    /** Up to here nothing counts, but the answers to breaches are watched. */
    private readonly after: Position,
  ) {}

  commit(commit: Recorded<ShardCommit>): void {
    const { aggregate, position, time } = commit;
    const counts = position > this.after;
    if (aggregate.kind === 'user' && counts)
      for (const event of commit.events) this.#userEvent(aggregate.id, event as UserEvent);
    if (aggregate.kind !== 'tracker') return;
    for (const event of commit.events) {
      if (counts) this.#trackerEvent(event as TrackerEvent);
      this.answers.take(aggregate.id, event as TrackerEvent, Date.parse(time), counts);
    }
  }

  acceptance({ userId, key, slotsLeft }: Acceptance, position: Position): void {
    if (position > this.after)
      this.#accepted(userId, toHex(key.appointmentId) as AppointmentId, toHex(key.locator) as Locator, slotsLeft);
  }

  #accepted(userId: UserId, appointmentId: AppointmentId, locator: Locator, slotsLeft: number): void {
    const { appointments, slots } = this.counted;
    if (this.state.booked({ appointmentId, locator })) appointments.updated++;
    else appointments.accepted++;
    const { state: account } = this.state.user(userId);
    if (account.status === 'registered') slots.charged += account.slots - slotsLeft;
  }

  #userEvent(userId: UserId, event: UserEvent): void {
    const { users, slots, appointments } = this.counted;
    switch (event.type) {
      case 'UserRegistered':
        users.registered++;
        slots.sold += event.slotsAdded;
        return;
      case 'SubscriptionRenewed':
        users.renewed++;
        slots.sold += event.slotsAdded;
        return;
      case 'SubscriptionOutdated':
        users.outdated++;
        return;
      case 'AppointmentAccepted':
        this.#accepted(userId, event.appointmentId, event.locator, event.slotsLeft);
        return;
      case 'AppointmentEnded':
        add(appointments.ended, event.reason);
        slots.refunded += event.slotsRefunded;
    }
  }

  #trackerEvent(event: TrackerEvent): void {
    const { breaches, penalties } = this.counted;
    switch (event.type) {
      case 'BreachSighted':
        breaches.sighted++;
        return;
      case 'BreachDetected':
        breaches.detected++;
        add(breaches.found_by, event.foundBy);
        return;
      case 'BreachReorgedOut':
        breaches.reorged_out++;
        return;
      case 'BlobRefused':
        add(breaches.blob_refused, event.reason);
        return;
      case 'PenaltyBroadcast':
        penalties.broadcast++;
        return;
      case 'PenaltyRefused':
        penalties.given_up += Number(event.final);
        add(penalties.refused, event.verdict);
        return;
      case 'PenaltyConfirmed':
        penalties.confirmed++;
        return;
      case 'PenaltyReorgedOut':
        penalties.reorged_out++;
        return;
      case 'PenaltyIrrevocable':
        penalties.irrevocable++;
        return;
      case 'PenaltyOutspent':
        penalties.outspent++;
        return;
      case 'OutspendIrrevocable':
        penalties.given_up++;
    }
  }
}

function add(tally: Tally, name: string): void {
  tally[name] = (tally[name] ?? 0) + 1;
}
