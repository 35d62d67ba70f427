import { UnknownEventError } from '../../events/codec.js';
import { DamagedCommitError, decodeCommit } from '../../events/commit.js';
import type { AppointmentId } from '../../events/ids.js';
import { MissingMessageError, TrimmedError } from '../../events/log/errors.js';
import type { AppointmentAccepted } from '../../events/user.js';
import type { AuditSource } from './audit-source.js';

/** What is to be held against the acceptance of an appointment that was read before. */
export interface Comparison {
  /** Where what is judged is, and where the acceptance is. */
  readonly position: number;
  readonly earlier: number;
  readonly id: AppointmentId;
  readonly isWrong: (was: AppointmentAccepted) => boolean;
  readonly what: string;
  readonly why: string;
}

/** What reading an acceptance fails with where it is not what was read once. */
const UNREADABLE = [MissingMessageError, TrimmedError, DamagedCommitError, UnknownEventError];

/**
 * Of an appointment an audit remembers marks of 32 bits: enough to see that two texts differ, not to say that they are the same, since
 * whoever wants two with one mark finds them in seconds. What has the same mark is read again and compared.
 */
export class EarlierEvents {
  #waiting: Comparison[] = [];

  constructor(
    private readonly source: Pick<AuditSource, 'read'>,
    private readonly stream: string,
  ) {}

  add(comparison: Comparison): void {
    this.#waiting.push(comparison);
  }

  /** Makes the comparisons that wait. What cannot be read any more, since the log was trimmed or rewritten behind an earlier audit, is right by its mark. */
  async compare(found: (position: number, what: string, why: string) => void, signal: AbortSignal): Promise<void> {
    for (const { position, earlier, id, isWrong, what, why } of this.#waiting.splice(0)) {
      const was = await this.#acceptance(earlier, id, signal);
      if (was && isWrong(was)) found(position, what, why);
    }
  }

  async #acceptance(
    position: number,
    id: AppointmentId,
    signal: AbortSignal,
  ): Promise<AppointmentAccepted | undefined> {
    try {
      for await (const batch of this.source.read(this.stream, position, position, signal))
        for (const { data } of batch)
          for (const event of decodeCommit(data).events)
            if (event.type === 'AppointmentAccepted' && event.appointmentId === id) return event;
    } catch (error) {
      if (!UNREADABLE.some((kind) => error instanceof kind)) throw error;
    }
    return undefined;
  }
}
