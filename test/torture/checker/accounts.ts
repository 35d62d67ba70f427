import type { Account } from './evidence.js';
import type { RawCommit, RawEvent } from './raw-log.js';
import { appointmentIdOf, type Deletion, signedDeletion } from './signatures.js';

/** One version of an appointment as a user's events have it. */
export interface Version {
  readonly event: RawEvent;
  readonly position: number;
  /** What became of it: it is in force, a later version took its place, or it ended for a reason. */
  fate: 'in force' | 'replaced' | string;
}

/** A user as its events, added up anew, make it. */
export interface PlayedAccount {
  readonly slots: number;
  /** By appointment id, oldest version first. */
  readonly appointments: ReadonlyMap<string, readonly Version[]>;
  readonly violations: readonly string[];
}

const SLOT_BYTES = 2048;

/** Adds a user's events up: each has to say of slots what its predecessors make of them. */
export function playAccount(commits: readonly RawCommit[]): PlayedAccount {
  const appointments = new Map<string, Version[]>();
  const violations: string[] = [];
  let slots = 0;
  for (const { stream, position, aggregate, events } of commits)
    for (const event of events) {
      const where = `${stream} ${position} ${event.type}`;
      const claim = (what: string, is: unknown, wanted: number) => {
        if (is !== wanted) violations.push(`${where}: ${what} is ${is}, and has to be ${wanted}`);
      };
      const id = String(event.appointmentId);
      const versions = appointments.get(id) ?? [];
      const last = versions.at(-1);
      switch (event.type) {
        case 'UserRegistered':
        case 'SubscriptionRenewed':
          slots += Number(event.slotsAdded);
          claim('slots', event.slots, slots);
          break;
        case 'AppointmentAccepted': {
          const { size } = event.blob as { size: number };
          const paid = last && (last.fate === 'in force' || last.fate === 'rejected') ? Number(last.event.slots) : 0;
          claim('slots', event.slots, Math.ceil(size / SLOT_BYTES));
          slots -= Number(event.slots) - paid;
          claim('slotsLeft', event.slotsLeft, slots);
          if (last) last.fate = 'replaced';
          appointments.set(id, [...versions, { event, position, fate: 'in force' }]);
          break;
        }
        case 'AppointmentEnded':
          if (last?.fate !== 'in force') violations.push(`${where}: of an appointment that is not in force`);
          claim('slotsRefunded', event.slotsRefunded, event.reason === 'rejected' ? 0 : Number(last?.event.slots));
          slots += Number(event.slotsRefunded);
          for (const what of undue(aggregate.slice('user/'.length), event, last)) violations.push(`${where}: ${what}`);
          if (last) last.fate = String(event.reason);
          break;
        default:
          violations.push(`${where}: nothing in this run brings that about`);
      }
    }
  return { slots, appointments, violations };
}

/** Only a user has an appointment deleted, and only the version that it meant. */
function undue(userId: string, event: RawEvent, last: Version | undefined): string[] {
  const deletion = event.deletion as Deletion | undefined;
  if (event.reason !== 'deleted') return deletion ? ['nobody asked for it to be deleted'] : [];
  if (!deletion || appointmentIdOf(deletion.locator, userId) !== event.appointmentId) return ['of what was it asked?'];
  const isMeant = deletion.receipt === null || deletion.receipt === last?.event.receiptSignature;
  return [
    ...(signedDeletion(userId, deletion) ? [] : ['its user has not asked for that']),
    ...(isMeant ? [] : ['its user meant another version']),
  ];
}

/** What the tower says of an account has to be what its events make. */
export function compareAccount(userId: string, played: PlayedAccount, told: Account): string[] {
  const inForce = Array.from(played.appointments.values(), (versions) => versions.at(-1)).filter(
    (version) => version?.fate === 'in force',
  );
  const locators = inForce.map((version) => String(version?.event.locator)).sort();
  return [
    ...(told.availableSlots === played.slots
      ? []
      : [`user ${userId} has ${played.slots} slots by its events, and is told ${told.availableSlots}`]),
    ...(JSON.stringify(locators) === JSON.stringify([...told.locators].sort())
      ? []
      : [`user ${userId} has ${locators.length} appointments by its events, and is told ${told.locators.length}`]),
  ];
}
