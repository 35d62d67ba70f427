import type { EventRow } from '../../actors/auditor/event-rows.js';
import { notUnderstood } from '../arguments.js';

/** What of all that happens a feed is to show. */

/** Whose events there are: by what an event's aggregate is. `scan` is of no interest unless it is asked for. */
export const KINDS = ['chain', 'user', 'tracker', 'policy', 'scan'] as const;
export type Kind = (typeof KINDS)[number];
const USUAL: readonly Kind[] = ['chain', 'user', 'tracker', 'policy'];

/** The kinds in a list such as `user,tracker`; the usual ones if there is none. Throws `CommanderError` at one that there is not. */
export function kindsOf(list: string | undefined): ReadonlySet<Kind> {
  if (list === undefined) return new Set(USUAL);
  return new Set(
    list.split(',').map((name) => {
      const kind = KINDS.find((each) => each === name);
      if (kind === undefined)
        throw notUnderstood(`there is no kind ${name.slice(0, 50)}; there are ${KINDS.join(', ')}`);
      return kind;
    }),
  );
}

export interface Wanted {
  readonly kinds: ReadonlySet<Kind>;
  readonly user?: string | undefined;
  readonly locator?: string | undefined;
}

/**
 * Tells what is wanted from what is not, row after row. A tracker's later events name neither user nor locator, but their appointment: so
 * the appointments that were named with them are remembered.
 */
export class Selection {
  readonly #appointments = new Set<unknown>();

  /** `known`: the appointments that are wanted, as far as anybody knew when it began. */
  constructor(
    private readonly wanted: Wanted,
    known: Iterable<string> = [],
  ) {
    for (const id of known) this.#appointments.add(id);
  }

  has(row: EventRow): boolean {
    const { user, locator, kinds } = this.wanted;
    const isNamed = (user === undefined || row.user_id === user) && (locator === undefined || row.locator === locator);
    const isAnything = user === undefined && locator === undefined;
    if (isNamed && !isAnything && row.appointment_id !== undefined) this.#appointments.add(row.appointment_id);
    if (!kinds.has(kindOf(row))) return false;
    return isAnything || isNamed || (row.appointment_id !== undefined && this.#appointments.has(row.appointment_id));
  }
}

function kindOf({ aggregate }: EventRow): Kind {
  const name = String(aggregate).split('/')[0];
  return KINDS.find((kind) => kind === name) ?? 'policy';
}
