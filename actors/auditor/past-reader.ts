import type { Recorded, ShardCommit } from '../../events/commit.js';
import type { Shard } from '../../events/ids.js';
import { heldAppointments, towerNumbers } from '../../projections/tower-info.js';
import { historyOf } from './history.js';
import type { HistorySource } from './history-source.js';
import { type LogPlace, LogPlaces } from './log-place.js';
import type { LogPoint } from './log-point.js';
import type { PastQuestion } from './past-wire.js';
import { parseQuest, QUEST_FORMS } from './quest.js';
import { shardRows, tipRow, trackerRow } from './state-rows.js';
import type { Happening } from './timeline.js';
import { TowerFold, type Way } from './tower-fold.js';

/** A question about the past that cannot be answered, whatever one does; the message is for whoever asked. */
export class PastQuestionError extends Error {
  readonly code = 'past-question';
}

/** How much the tower held once a block was evaluated. */
interface Held {
  readonly users: number;
  readonly appointments: number;
  readonly trackers: number;
}

/** What people ask of a log's past, in short: of a long answer they are given the part that can be looked at. */
export class PastReader {
  /** Goes on where it was. */
  readonly #now: TowerFold;
  /** By shard, of each height. */
  readonly #held: readonly Map<number, Held>[];

  constructor(
    private readonly source: HistorySource,
    private readonly way: Way,
  ) {
    this.#now = new TowerFold(source);
    this.#held = Array.from({ length: source.shards }, () => new Map());
  }

  /** Rejects with `PastQuestionError`, `LogPointError`, and what reading the log does. */
  answer(question: PastQuestion): Promise<object> {
    switch (question.what) {
      case 'timeline':
        return this.#timeline(question.id);
      case 'at':
        return this.#at(question.height);
      case 'growth':
        return this.#growth();
    }
  }

  async #timeline(id: string): Promise<object> {
    const quest = parseQuest(id);
    if (!quest) throw new PastQuestionError(`that is not ${QUEST_FORMS}`);
    const happenings: Happening[] = [];
    // The newest are kept: what is asked is mostly how it stands.
    let before = 0;
    for await (const happening of historyOf(quest, this.source, await this.#place({ kind: 'end' }), this.way)) {
      happenings.push(happening);
      if (happenings.length > MOST_HAPPENINGS) {
        happenings.shift();
        before++;
      }
    }
    const lines = happenings.map(({ row, words }) => ({
      time: row.time,
      place: `${row.stream}:${row.position}`,
      type: row.type,
      words,
      user_id: row.user_id,
      appointment_id: row.appointment_id,
      dispute_txid: row.dispute_txid,
      penalty_txid: row.penalty_txid,
    }));
    return { kind: quest.kind, lines, before };
  }

  async #at(height: number): Promise<object> {
    const fold = new TowerFold(this.source);
    await fold.foldTo(await this.#place({ kind: 'height', height }), this.way);
    const trackers = [];
    for (const state of fold.shards) for (const [id, live] of state.liveTrackers()) trackers.push(trackerRow(id, live));
    const { users, watched } = towerNumbers(fold.shards);
    return {
      ...tipRow(fold.chain),
      users,
      appointments: heldAppointments(fold.shards),
      watched_appointments: watched,
      open_trackers: trackers.length,
      trackers: trackers.slice(-MOST_TRACKERS),
      shards: Array.from(shardRows(fold)),
    };
  }

  /** At every height, or so many of them as can be looked at. */
  async #growth(): Promise<object> {
    const commit = (shard: Shard, { events }: Recorded<ShardCommit>) => {
      // A scan changes none of these, so it does not matter that it is not folded yet.
      for (const event of events)
        if (event.type === 'BlockScanned')
          this.#held[shard]?.set(event.height, { ...(this.#now.shards[shard]?.counts ?? NOTHING) });
    };
    await this.#now.foldTo(await this.#place({ kind: 'end' }), this.way, { commit });
    const { root, tip } = this.#now.chain;
    if (!root || !tip) return { heights: [], users: [], appointments: [], trackers: [] };
    const step = Math.max(1, Math.ceil((tip.height - root.height + 1) / MOST_HEIGHTS));
    const heights: number[] = [];
    const sums: Held[] = [];
    const last = this.#held.map(() => NOTHING);
    for (let height = root.height; height <= tip.height; height++) {
      for (const [shard, held] of this.#held.entries()) last[shard] = held.get(height) ?? last[shard] ?? NOTHING;
      if ((tip.height - height) % step !== 0) continue;
      heights.push(height);
      sums.push(last.reduce(sum, NOTHING));
    }
    return {
      heights,
      users: sums.map(({ users }) => users),
      appointments: sums.map(({ appointments }) => appointments),
      trackers: sums.map(({ trackers }) => trackers),
    };
  }

  /** Rejects with `PastQuestionError` where there is more to be read than somebody waits for. */
  async #place(point: LogPoint): Promise<LogPlace> {
    const place = await new LogPlaces(this.source, this.way.signal).through(point);
    const messages = place.chain + place.shards.reduce((sum, position) => sum + position, 0);
    if (messages <= MOST_MESSAGES) return place;
    throw new PastQuestionError(`the log is too long to be read for a page: use argus audit (${messages} messages)`);
  }
}

const sum = (a: Held, b: Held): Held => ({
  users: a.users + b.users,
  appointments: a.appointments + b.appointments,
  trackers: a.trackers + b.trackers,
});

const NOTHING: Held = { users: 0, appointments: 0, trackers: 0 };
const MOST_HAPPENINGS = 1_000;
const MOST_TRACKERS = 200;
const MOST_HEIGHTS = 1_000;
/** Some half a minute of reading and folding. */
const MOST_MESSAGES = 3_000_000;
