import type { ChainCommit, Recorded } from '../../events/commit.js';
import type { Position, Shard } from '../../events/ids.js';
import { record } from '../../events/log/log-reader.js';
import { POLICY } from '../../events/log/streams.js';
import type { PolicyEvent } from '../../events/policy.js';
import { type Answers, AnswerTimes } from './answer-times.js';
import type { HistorySource } from './history-source.js';
import type { LogPlace } from './log-place.js';
import { type Counted, nothingCounted, ShardStatistics } from './statistics.js';
import { TowerFold, type Way } from './tower-fold.js';

export interface BlockStatistics {
  connected: number;
  disconnected: number;
  reorgs: number;
  /** How many blocks the longest of them took out. */
  deepest_reorg: number;
}

/** How often the operator, and what it made, decided about who may come in. */
export interface Admissions {
  invites_created: number;
  invites_used: number;
  invites_revoked: number;
  users_allowed: number;
  users_disallowed: number;
  limits_changed: number;
}

/** What happened in a tower over a range of its log. */
export interface TowerStatistics extends Counted {
  readonly after: LogPlace;
  readonly through: LogPlace;
  readonly blocks: BlockStatistics;
  readonly admissions: Admissions;
  readonly answers: Answers;
  /** What there was when the range ended. */
  readonly at_end: {
    readonly height: number | null;
    readonly users: number;
    readonly slots_available: number;
    readonly appointments: number;
    readonly trackers: number;
  };
}

/** Reads the log from its beginning, since what was there before decides what things are. */
export async function statisticsOf(
  source: HistorySource,
  { after, through }: Pick<TowerStatistics, 'after' | 'through'>,
  way: Way,
): Promise<TowerStatistics> {
  const fold = new TowerFold(source);
  const counted = nothingCounted();
  const answers = new AnswerTimes();
  const shards = fold.shards.map((state, n) => new ShardStatistics(state, counted, answers, after.shards[n] ?? 0));
  const chain = new ChainStatistics(after.chain);
  await fold.foldTo(through, way, {
    block: (commit) => chain.take(commit),
    commit: (shard, commit) => shards[shard]?.commit(commit),
    acceptance: (shard, acceptance, position) => shards[shard]?.acceptance(acceptance, position),
  });
  const admissions = await admissionsOf(source, after.policy ?? 0, through.policy ?? 0, way);
  return {
    after,
    through,
    blocks: chain.blocks,
    admissions,
    ...counted,
    answers: answers.answers(),
    at_end: atEnd(fold),
  };
}

const COUNTED_AS: Readonly<Record<PolicyEvent['type'], keyof Admissions>> = {
  InviteCreated: 'invites_created',
  InviteUsed: 'invites_used',
  InviteRevoked: 'invites_revoked',
  UserAllowed: 'users_allowed',
  UserDisallowed: 'users_disallowed',
  LimitsChanged: 'limits_changed',
};

async function admissionsOf(source: HistorySource, after: Position, through: Position, way: Way): Promise<Admissions> {
  const counts = {
    ...{ invites_created: 0, invites_used: 0, invites_revoked: 0 },
    ...{ users_allowed: 0, users_disallowed: 0, limits_changed: 0 },
  };
  if (through <= after) return counts;
  for await (const batch of source.read(POLICY, after + 1, through, way.signal)) {
    for (const { data, subject, position } of batch)
      for (const { type } of record(data, subject, position, 0 as Shard).events)
        counts[COUNTED_AS[type as PolicyEvent['type']]]++;
    way.onRead?.(batch.length);
  }
  return counts;
}

class ChainStatistics {
  readonly blocks: BlockStatistics = { connected: 0, disconnected: 0, reorgs: 0, deepest_reorg: 0 };
  /** How many blocks were taken out one after another. */
  #depth = 0;

  constructor(private readonly after: number) {}

  take({ events, position }: Recorded<ChainCommit>): void {
    if (position <= this.after) return;
    for (const { type } of events) {
      if (type === 'BlockConnected') {
        this.blocks.connected++;
        this.#depth = 0;
        continue;
      }
      this.blocks.disconnected++;
      if (++this.#depth === 1) this.blocks.reorgs++;
      this.blocks.deepest_reorg = Math.max(this.blocks.deepest_reorg, this.#depth);
    }
  }
}

function atEnd({ chain, shards }: TowerFold): TowerStatistics['at_end'] {
  const sum = { users: 0, slots_available: 0, appointments: 0, trackers: 0 };
  for (const shard of shards) {
    sum.users += shard.counts.users;
    sum.appointments += shard.counts.appointments;
    sum.trackers += shard.counts.trackers;
    for (const [, { state }] of shard.users()) if (state.status === 'registered') sum.slots_available += state.slots;
  }
  return { height: chain.tip?.height ?? null, ...sum };
}
