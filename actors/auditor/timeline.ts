import { aggregateSubject, trackerAggregate, userAggregate } from '../../events/aggregate.js';
import type { Commit, Recorded } from '../../events/commit.js';
import type { AppointmentId, Locator, Shard } from '../../events/ids.js';
import { record } from '../../events/log/log-reader.js';
import { inWords } from '../event-words.js';
import type { AuditMessage } from './audit-source.js';
import { type EventRow, eventRows } from './event-rows.js';
import type { Quest } from './quest.js';

/** Something that happened to what is asked for. */
export interface Happening {
  readonly row: EventRow;
  readonly words: string;
  /** By the clock of the server that stored it, in ms: by that, happenings of different shards are put in order. */
  readonly stored: number;
}

type Event = Commit['events'][number];

/** With more appointments than this it is quicker to read every commit than to look for each of them in its bytes. */
const MOST_SOUGHT = 8;

/**
 * Finds in the messages of one shard, which come in their order, what happened to what is asked for. Nearly all of them it
 * passes over by their subject and their bytes.
 */
export class Timeline {
  readonly #appointments = new Set<AppointmentId>();
  /** Those that are live by now, of those it told of: what is accepted again is a newer version. */
  readonly #live = new Set<AppointmentId>();
  readonly #locators: ReadonlySet<string>;
  readonly #userSubject: string | undefined;
  readonly #trackers: string;
  /** Texts of which one is in a tracker's commit that begins a tracker concerned, or has a transaction of its own. */
  readonly #ofTrackers: readonly Buffer[];
  /** Those by which an appointment is known in a user's commits. */
  #ofUsers: Buffer[];

  constructor(
    private readonly quest: Quest,
    private readonly shard: Shard,
    /** Appointments that are known to be concerned. */
    appointments: Iterable<AppointmentId> = [],
  ) {
    const locators: readonly Locator[] = 'locators' in quest ? quest.locators : [];
    this.#locators = new Set(locators);
    this.#userSubject = quest.kind === 'user' ? aggregateSubject(userAggregate(quest.userId), shard) : undefined;
    this.#trackers = aggregateSubject(trackerAggregate('' as AppointmentId), shard);
    this.#ofUsers = locators.map((locator) => Buffer.from(locator));
    const others = quest.kind === 'user' ? [quest.userId] : quest.kind === 'txid' ? [quest.txid] : [];
    this.#ofTrackers = [...locators, ...others].map((text) => Buffer.from(text));
    if (quest.kind === 'appointment') this.#learn(quest.appointmentId);
    for (const id of appointments) this.#learn(id);
  }

  /** The appointments that are known to be concerned by now, unless a user is asked for, all of whose are. */
  get appointments(): ReadonlySet<AppointmentId> {
    return this.#appointments;
  }

  /** What of a message concerns it. Throws what reading a commit does. */
  read(message: AuditMessage): Happening[] {
    if (!this.#mayConcern(message)) return [];
    const commit = record(message.data, message.subject, message.position, this.shard);
    const concerned = commit.events.map((event) => this.#concerns(commit, event));
    if (!concerned.includes(true)) return [];
    const rows = eventRows(commit, message);
    return commit.events.flatMap((event, i) => {
      const row = rows[i];
      return concerned[i] && row ? [{ row, words: this.#tell(event), stored: message.time }] : [];
    });
  }

  #mayConcern({ subject, data }: AuditMessage): boolean {
    if (subject === this.#userSubject) return true;
    const isTracker = subject.startsWith(this.#trackers);
    if (isTracker && this.#appointments.has(subject.slice(this.#trackers.length) as AppointmentId)) return true;
    if (!isTracker && this.#userSubject !== undefined) return false;
    if (!isTracker && this.#appointments.size > MOST_SOUGHT) return true;
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    return (isTracker ? this.#ofTrackers : this.#ofUsers).some((text) => bytes.includes(text));
  }

  /** Whether an event concerns it; from then on its appointment does. */
  #concerns({ aggregate }: Recorded, event: Event): boolean {
    if (aggregate.kind === 'tracker') {
      if (!this.#appointments.has(aggregate.id) && this.#mentions(event)) this.#learn(aggregate.id);
      return this.#appointments.has(aggregate.id);
    }
    if (aggregate.kind !== 'user') return false;
    if (this.quest.kind === 'user') return aggregate.id === this.quest.userId;
    if (!('appointmentId' in event)) return false;
    if (event.type === 'AppointmentAccepted' && this.#locators.has(event.locator)) this.#learn(event.appointmentId);
    return this.#appointments.has(event.appointmentId);
  }

  /** Whether an event of a tracker names what is asked for. */
  #mentions(event: Event): boolean {
    const { quest } = this;
    if ('locator' in event && this.#locators.has(event.locator)) return true;
    if (quest.kind === 'user') return 'userId' in event && event.userId === quest.userId;
    if (quest.kind !== 'txid') return false;
    const { txid } = quest;
    return (
      ('disputeTxid' in event && event.disputeTxid === txid) ||
      ('penaltyTxid' in event && event.penaltyTxid === txid) ||
      ('spentBy' in event && event.spentBy === txid)
    );
  }

  #learn(id: AppointmentId): void {
    if (this.#appointments.has(id)) return;
    this.#appointments.add(id);
    if (this.quest.kind !== 'user') this.#ofUsers.push(Buffer.from(id));
    if (this.#appointments.size > MOST_SOUGHT) this.#ofUsers = this.#ofUsers.slice(0, this.#locators.size);
  }

  #tell(event: Event): string {
    const words = inWords(event);
    if (event.type === 'AppointmentEnded') this.#live.delete(event.appointmentId);
    if (event.type !== 'AppointmentAccepted') return words;
    const isUpdate = this.#live.has(event.appointmentId);
    this.#live.add(event.appointmentId);
    return isUpdate ? words.replace(' accepted:', ' updated:') : words;
  }
}
