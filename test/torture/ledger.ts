import type { Breach } from '../../cli/demo/channel.js';
import type { AppointmentReceipt, Evidence, RegistrationReceipt } from './checker/evidence.js';

/** What a run knows of itself: the receipts that its clients hold, the breaches that it began, and how often it did what. */
export class Ledger implements Evidence {
  readonly appointments: AppointmentReceipt[] = [];
  readonly registrations: RegistrationReceipt[] = [];
  /** What each blob that was ever sent, answered or not, holds: a penalty's txid, or null if it is of no use. By SHA-256. */
  readonly sent = new Map<string, string | null>();
  /** What broke a promise by itself, seen while the run was under way. */
  readonly broken: string[] = [];
  readonly counts = new Map<string, number>();

  /** Channels that nobody has cheated with and no tower knows of. */
  readonly fresh: { readonly breach: Breach; readonly flawed: boolean }[] = [];
  /** Disputes that are mined and that no tower was told of yet. */
  readonly late: Breach[] = [];
  /** Disputes that a tower was told of, or is being told of, and that may come any time. */
  readonly watched: Breach[] = [];
  /** Disputes that were sent or mined. */
  readonly begun = new Map<string, Breach>();
  /** The other commitment that a channel's cheater may come with instead. */
  readonly rivals = new Map<Breach, Breach>();

  count(deed: string, by = 1): void {
    this.counts.set(deed, (this.counts.get(deed) ?? 0) + by);
  }
}
