import type { NatsConnection } from 'nats';
import { compareAccount, type PlayedAccount, playAccount } from './accounts.js';
import { type BitcoindAccess, readBestChain } from './best-chain.js';
import type { Account, Evidence } from './evidence.js';
import { groupBy } from './group-by.js';
import { checkLog } from './log-integrity.js';
import { checkProtection, type Protection } from './protection.js';
import { type RawCommit, readLog } from './raw-log.js';
import { checkReceipts } from './receipts.js';

/**
 * Says whether a tower kept its promises: from the receipts that its clients hold, the bytes in its streams and the chain
 * that a bitcoind knows. It shares no code with the tower, so that what is wrong there is not wrong here in the same way.
 */
export interface Question {
  readonly towerId: string;
  readonly shards: number;
  readonly evidence: Evidence;
  /** What each user was told of its account at the end. */
  readonly accounts: ReadonlyMap<string, Account>;
  /** A connection that may read the streams. */
  readonly nc: NatsConnection;
  readonly bitcoind: BitcoindAccess;
}

export interface Findings extends Protection {
  /** What the log adds up to, to be compared with what a node says of itself. */
  readonly numbers: Numbers;
  /** Blobs that are stored although no version in force refers to them. */
  readonly orphans: number;
  readonly commits: number;
}

export interface Numbers {
  readonly users: number;
  /** Appointments in force. */
  readonly held: number;
  /** The last position of each shard. */
  readonly positions: readonly number[];
}

export async function check(question: Question): Promise<Findings> {
  const { towerId, evidence, shards } = question;
  const [log, best] = await Promise.all([readLog(question.nc, shards), readBestChain(question.bitcoind)]);
  const users = byAggregate(log.towers.flat(), 'user/');
  const trackers = byAggregate(log.towers.flat(), 'tracker/');
  const accounts = new Map(Array.from(users, ([userId, commits]) => [userId, playAccount(commits)]));
  const protection = checkProtection(evidence, accounts, trackers, users, best);
  const violations = [
    ...checkLog(log, best),
    ...Array.from(accounts).flatMap(([, { violations }]) => violations),
    ...Array.from(question.accounts).flatMap(([userId, told]) => {
      const played = accounts.get(userId);
      return played ? compareAccount(userId, played, told) : [`user ${userId} is not in the log`];
    }),
    ...(await checkReceipts(towerId, evidence, log, accounts, users)),
    ...protection.violations,
  ];
  const held = Array.from(accounts.values(), inForce).reduce((sum, n) => sum + n, 0);
  const positions = log.towers.map((commits) => commits.length);
  const stored = log.blobs.reduce((sum, { size }) => sum + size, 0);
  return {
    ...protection,
    violations,
    numbers: { users: users.size, held, positions },
    orphans: stored - held,
    commits: log.chain.length + positions.reduce((sum, n) => sum + n, 0),
  };
}

const inForce = ({ appointments }: PlayedAccount): number =>
  Array.from(appointments.values()).filter((versions) => versions.at(-1)?.fate === 'in force').length;

const byAggregate = (commits: readonly RawCommit[], kind: string): Map<string, RawCommit[]> =>
  groupBy(
    commits.filter(({ aggregate }) => aggregate.startsWith(kind)),
    ({ aggregate }) => aggregate.slice(kind.length),
  );
