import { type Aggregate, userAggregate } from './aggregate.js';
import { encodeCommit, newCommit, type UserCommit } from './commit.js';
import type { UserId } from './ids.js';
import type { AppointmentAccepted, UserEvent } from './user.js';

/**
 * Where a blob is that is not stored yet, in an acceptance that is drafted. No blob is ever there: the server's positions
 * would have to run out first.
 */
export const UNSTORED = Number.MAX_SAFE_INTEGER;
const HOLE = `"position":${UNSTORED}`;

/** A commit that is not on the log yet, with its bytes where they are known. */
export interface Drafted {
  readonly commit: Omit<UserCommit, 'position'>;
  readonly data: Uint8Array;
}

/**
 * The commit of one acceptance, checked and written while its blob is on its way, so that only the blob's position is left to
 * be filled in when the blob is acked: a client that waits for its receipt waits for the log alone.
 */
export class AcceptanceDraft {
  readonly #accepted: AppointmentAccepted;
  readonly #commit: Omit<UserCommit, 'position'>;
  readonly #before: string;
  readonly #after: string;

  /** Undefined where there is not one acceptance alone of a blob that is not stored. `now` is in milliseconds since 1970. */
  static of(userId: UserId, events: readonly UserEvent[], node: string, now: number): AcceptanceDraft | undefined {
    const [event, more] = events;
    if (event?.type !== 'AppointmentAccepted' || more || event.blob.position !== UNSTORED) return undefined;
    return new AcceptanceDraft(userId, event, node, now);
  }

  private constructor(userId: UserId, event: AppointmentAccepted, node: string, now: number) {
    this.#accepted = event;
    this.#commit = newCommit(userAggregate(userId), [event], node, now) as Omit<UserCommit, 'position'>;
    const text = Buffer.from(encodeCommit(this.#commit)).toString('utf8');
    // No text of the event can hold it: a quotation mark within one is written with a backslash.
    const at = text.indexOf(HOLE);
    this.#before = text.slice(0, at + HOLE.length - String(UNSTORED).length);
    this.#after = text.slice(at + HOLE.length);
  }

  /** The commit of what was decided now; undefined if that differs from what was drafted by more than the blob's position. */
  complete(aggregate: Aggregate, events: readonly unknown[]): Drafted | undefined {
    const [event, more] = events as readonly UserEvent[];
    const { aggregate: own } = this.#commit;
    if (aggregate.kind !== 'user' || aggregate.id !== own.id || more) return undefined;
    if (event?.type !== 'AppointmentAccepted' || !isSameButForPosition(event, this.#accepted)) return undefined;
    const data = Buffer.from(`${this.#before}${event.blob.position}${this.#after}`);
    return { commit: { ...this.#commit, events: [event] }, data };
  }
}

function isSameButForPosition(one: AppointmentAccepted, other: AppointmentAccepted): boolean {
  const { blob, ...rest } = one;
  if (!Number.isSafeInteger(blob.position) || blob.position < 1 || blob.position === UNSTORED) return false;
  if (blob.sha256 !== other.blob.sha256 || blob.size !== other.blob.size) return false;
  return (Object.keys(rest) as (keyof typeof rest)[]).every((name) => rest[name] === other[name]);
}
