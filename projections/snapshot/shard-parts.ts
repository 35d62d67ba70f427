import { utf8 } from '../../events/bytes.js';
import type { AppointmentId } from '../../events/ids.js';
import { SchemeName } from '../../events/schemes/scheme.js';
import type { SavedShard } from '../saved-shard.js';
import { WATCHLIST_COLUMNS, type WatchlistColumns } from '../saved-watchlist.js';
import { ShardState, type Versioned } from '../shard-state.js';
import type { TrackerState } from '../tracker.js';
import { decodeAccounts, encodeAccounts, identitiesIn } from './accounts.js';
import type { Parts } from './frame.js';

/**
 * A shard's state in a snapshot. Its sections:
 *
 *     entries, heads, words, rest   the columns of the watchlist, as they are in memory: 28 bytes an appointment in all
 *     key        the 16 bytes under which those are fingerprints: a secret of the tower's nodes
 *     accounts   see `accounts.ts`
 *     identities   the tower's later identities that sign for any of them, as JSON; left out where there is none
 *     trackers   a line of JSON for each: `[appointment id, version, state]`
 *     lists      JSON: `{live, reopened, recentStarts, scans}`, trackers by their number in `trackers`
 *
 * Its numbers are those of the state, of the watchlist's index, and `schemes`, a bit for each that is in use.
 */
export function partsOfShard(state: ShardState): Parts<readonly Uint8Array[]> {
  const { watchlist, users, trackers, live, reopened, ...saved } = state.save();
  const { position: _, scanVersion, liveAppointments, recentStarts, scans } = saved;
  const lines: Uint8Array[] = [];
  const numberOf = new Map<AppointmentId, number>();
  for (const [id, { state, version }] of trackers) {
    numberOf.set(id, lines.length);
    lines.push(utf8(`${JSON.stringify([id, version, state])}\n`));
  }
  const numbersOf = (ids: Iterable<AppointmentId>) => Array.from(ids, (id) => numberOf.get(id));
  const identities = identitiesIn(users);
  const lists = { live: numbersOf(live), reopened: numbersOf(reopened), recentStarts, scans };
  return {
    numbers: { scanVersion, liveAppointments, schemes: maskOf(watchlist.schemes), ...watchlist.index },
    sections: new Map<string, readonly Uint8Array[]>([
      ...WATCHLIST_COLUMNS.map((name) => [name, Array.from(watchlist.columns[name])] as const),
      ['key', [watchlist.key]],
      ['accounts', [encodeAccounts(users, identities)]],
      ...(identities.length > 0 ? [['identities', [utf8(JSON.stringify(identities))]] as const] : []),
      ['trackers', [Buffer.concat(lines)]],
      ['lists', [utf8(JSON.stringify(lists))]],
    ]),
  };
}

type Lists = Pick<SavedShard<never>, 'recentStarts' | 'scans'> & Record<'live' | 'reopened', number[]>;

/** The state of a shard at a position, from what `partsOfShard` made of it. */
export function shardOfParts(position: number, { numbers, sections }: Parts<Uint8Array>): ShardState {
  const section = (name: string) => sections.get(name) ?? new Uint8Array();
  const number = (name: string) => numbers[name] ?? 0;
  const lists: Lists = JSON.parse(new TextDecoder().decode(section('lists')));
  const trackers = Array.from(readTrackers(section('trackers')));
  const idsOf = (numbers: readonly number[]) => numbers.flatMap((n) => trackers[n]?.[0] ?? []);
  const columns = Object.fromEntries(WATCHLIST_COLUMNS.map((name) => [name, section(name)]));
  return new ShardState(undefined, {
    position,
    scanVersion: number('scanVersion'),
    liveAppointments: number('liveAppointments'),
    watchlist: {
      key: new Uint8Array(section('key')),
      index: { size: number('size'), given: number('given'), free: number('free'), buckets: number('buckets') },
      schemes: schemesOf(numbers.schemes),
      columns: columns as WatchlistColumns<Uint8Array>,
    },
    users: decodeAccounts(section('accounts'), JSON.parse(new TextDecoder().decode(section('identities')) || '[]')),
    trackers,
    live: idsOf(lists.live),
    reopened: idsOf(lists.reopened),
    recentStarts: lists.recentStarts,
    scans: lists.scans,
  });
}

/** A bit for each scheme, in the order of their names' type. */
const maskOf = (schemes: readonly SchemeName[]): number =>
  SchemeName.options.reduce((mask, name, bit) => mask + (schemes.includes(name) ? 2 ** bit : 0), 0);

/** A snapshot that does not say may have any. */
const schemesOf = (mask: number | undefined): readonly SchemeName[] =>
  SchemeName.options.filter((_, bit) => mask === undefined || (mask & (2 ** bit)) !== 0);

const NEW_LINE = 10;

/** Line by line: all of them may be more than a text can be. */
function* readTrackers(section: Uint8Array): Generator<readonly [AppointmentId, Versioned<TrackerState>]> {
  const decoder = new TextDecoder();
  for (let from = 0; from < section.length; ) {
    const to = section.indexOf(NEW_LINE, from);
    if (to < 0) throw new RangeError('a line without an end');
    const [id, version, state]: [AppointmentId, number, TrackerState] = JSON.parse(
      decoder.decode(section.subarray(from, to)),
    );
    yield [id, { state, version }];
    from = to + 1;
  }
}
