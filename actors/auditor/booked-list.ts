import type { Position, Shard, UserId } from '../../events/ids.js';
import { TrimmedError } from '../../events/log/errors.js';
import { record } from '../../events/log/log-reader.js';
import { towerStream } from '../../events/log/streams.js';
import type { AppointmentAccepted } from '../../events/user.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { Booked } from '../../projections/watchlist.js';
import type { AuditMessage } from './audit-source.js';
import type { HistorySource } from './history-source.js';
import { type AppointmentRow, appointmentRow } from './state-rows.js';
import type { Way } from './tower-fold.js';

/**
 * Where the appointments of a shard are, and which of them are rejected: eight bytes each, in the order of their positions. Made of a
 * folded state, which it then does not need: so two states of one shard can be compared.
 */
export class BookedList {
  /** Twice the position, and one more if it is rejected. */
  readonly #entries: Float64Array;

  /** `only`: those of one user. */
  constructor(state: ShardState, only?: UserId) {
    const entries: number[] = [];
    for (const id of only ? [only] : state.userIds)
      for (const { position, status } of state.bookedBy(id)) entries.push(2 * position + Number(status === 'rejected'));
    this.#entries = Float64Array.from(entries).sort();
  }

  *[Symbol.iterator](): Generator<Entry> {
    for (const entry of this.#entries)
      yield { position: Math.floor(entry / 2), status: entry % 2 === 1 ? 'rejected' : 'live' };
  }
}

/** What was deleted is not held any more. */
type HeldStatus = Exclude<Booked['status'], 'deleted'>;

export type Entry = Pick<Booked, 'position'> & { readonly status: HeldStatus };

/** An appointment in two lists: what it was and what it is, undefined where it is not there. */
export interface EntryChange {
  readonly position: Position;
  readonly before: HeldStatus | undefined;
  readonly after: HeldStatus | undefined;
}

/** What two lists of one shard do not have in common, by position. */
export function* changedEntries(before: Iterable<Entry>, after: Iterable<Entry>): Generator<EntryChange> {
  const [old, now] = [before[Symbol.iterator](), after[Symbol.iterator]()];
  let [a, b] = [old.next(), now.next()];
  while (!a.done || !b.done) {
    const position = Math.min(positionIn(a), positionIn(b));
    const was = !a.done && a.value.position === position ? a.value.status : undefined;
    const is = !b.done && b.value.position === position ? b.value.status : undefined;
    if (was !== is) yield { position, before: was, after: is };
    if (was) a = old.next();
    if (is) b = now.next();
  }
}

const positionIn = ({ done, value }: IteratorResult<Entry>): number =>
  done ? Number.POSITIVE_INFINITY : value.position;

/** From how many messages on that nobody wants it is worth while not to read them. */
const WORTH_SKIPPING = 2_000;

/**
 * The appointments that are accepted at some positions of a shard, which come in their order: what is folded knows no more of
 * them than where they are. A commit accepts one.
 */
export async function* readBooked<E extends { readonly position: Position }>(
  source: HistorySource,
  shard: Shard,
  wanted: Iterable<E>,
  { signal, onRead }: Way,
): AsyncGenerator<readonly [AppointmentRow, E]> {
  const stream = towerStream(shard);
  const cut = (await source.cut?.(stream)) ?? 0;
  for (const run of runsOf(wanted)) {
    const [first, last] = [run[0]?.position ?? 0, run.at(-1)?.position ?? 0];
    let at = 0;
    // Of a log that was trimmed what is held is left, and not what lay between.
    const messages =
      first <= cut && source.remaining
        ? source.remaining(stream, first, last, signal)
        : source.read(stream, first, last, signal);
    for await (const batch of messages) {
      for (const message of batch) {
        const entry = run[at];
        if (entry?.position !== message.position) continue;
        at++;
        for (const row of acceptedIn(message, shard)) yield [row, entry];
      }
      onRead?.(batch.length);
    }
    if (at < run.length) throw new TrimmedError(stream, cut);
  }
}

/** Stretches with few messages between those that are wanted, none of them longer than can be held. */
function* runsOf<E extends { readonly position: Position }>(wanted: Iterable<E>): Generator<E[]> {
  let run: E[] = [];
  for (const entry of wanted) {
    const last = run.at(-1)?.position ?? entry.position;
    if (run.length >= LONGEST_RUN || entry.position - last > WORTH_SKIPPING) {
      yield run;
      run = [];
    }
    run.push(entry);
  }
  if (run.length > 0) yield run;
}

const LONGEST_RUN = 50_000;

function acceptedIn({ data, subject, position }: AuditMessage, shard: Shard): AppointmentRow[] {
  const { aggregate, events } = record(data, subject, position, shard);
  if (aggregate.kind !== 'user') return [];
  const place = { user_id: aggregate.id, status: 'live', shard, position } as const;
  return (events as readonly { type: string }[])
    .filter((event): event is AppointmentAccepted => event.type === 'AppointmentAccepted')
    .map((event) => appointmentRow(event, place));
}
