import { type Aggregate, userAggregate } from '../../events/aggregate.js';
import { type Commit, newCommit } from '../../events/commit.js';
import { type Shard, TowerId } from '../../events/ids.js';
import { connectLog } from '../../events/log/connection.js';
import { ensureStreams } from '../../events/log/ensure-streams.js';
import type { Bulk } from '../../events/log/follower.js';
import { EventLog } from '../../events/log/log.js';
import type { LogLayout } from '../../events/log/streams.js';
import { connected } from '../fixtures/blocks.js';
import { registered } from '../fixtures/histories.js';
import { userId } from '../fixtures/ids.js';
import { startTestNats, type TestNats } from './nats.js';
import type { Cleanup } from './temp-dir.js';

export type NewCommit = Omit<Commit, 'position'>;

export const shard = 0 as Shard;

export const layout: LogLayout = {
  network: 'regtest',
  towerId: TowerId.parse(`02${'11'.repeat(32)}`),
  shards: 1,
  replicas: 1,
};

/** A log on a real server, with the streams of one shard. */
export interface TestLog {
  readonly nats: TestNats;
  readonly log: EventLog;
  /** One more client of the log, as a node has it; at another address if one is given. It reads in bulk if it is told how. */
  open(url?: string, bulk?: Partial<Bulk>): Promise<EventLog>;
}

export async function startTestLog(t: Cleanup): Promise<TestLog> {
  const nats = await startTestNats(t);
  const open = async (url = nats.url, bulk: Partial<Bulk> = {}) => {
    const nc = await connectLog({ servers: url, seed: nats.nodeSeed, name: 'test' });
    t.after(() => nc.close());
    return EventLog.open(nc, bulk);
  };
  const log = await open();
  await ensureStreams(log.nc, layout);
  return { nats, log, open };
}

const commit = (aggregate: Aggregate, event: object): NewCommit =>
  newCommit(aggregate, [event], 'test', Date.now()) as NewCommit;

/** A commit of a user of that name. */
export const userCommit = (name: string): NewCommit => commit(userAggregate(userId(name)), registered());

/** A commit that connects a block. */
export const blockCommit = (height: number): NewCommit => commit({ kind: 'chain' }, connected(height));

/** Appends commits, each of an aggregate that has none yet. */
export async function appendAll(log: EventLog, commits: readonly NewCommit[]): Promise<void> {
  for (const commit of commits) await log.append(commit, { shard, expected: 0, patience: 10_000 });
}
