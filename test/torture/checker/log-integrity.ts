import type { BestChain } from './best-chain.js';
import type { RawCommit, RawLog } from './raw-log.js';

/** What has to be true of the log whatever happened: nothing missing, nothing twice, and its chain is bitcoind's. */
export function checkLog({ chain, towers }: RawLog, best: BestChain): string[] {
  const all = [chain, ...towers];
  return [
    ...all.flatMap(gaps),
    ...repeated(all.flat()),
    ...all.flat().flatMap(misplaced),
    ...chainViolations(chain, best),
    ...towers.flatMap((commits, shard) => unscanned(commits, shard, best)),
  ];
}

const gaps = (commits: readonly RawCommit[]): string[] =>
  commits.flatMap(({ stream, position }, i) =>
    position === i + 1 ? [] : [`${stream}: message ${i + 1} is ${position}`],
  );

function repeated(commits: readonly RawCommit[]): string[] {
  const seen = new Map<string, RawCommit>();
  return commits.flatMap((commit) => {
    const before = seen.get(commit.id);
    seen.set(commit.id, commit);
    return before
      ? [`commit ${commit.id} is stored twice: ${before.stream} ${before.position} and ${commit.position}`]
      : [];
  });
}

function misplaced({ stream, position, subject, aggregate }: RawCommit): string[] {
  const shard = stream.replace('TOWER_', '');
  const wanted = aggregate === 'chain' ? 'argus.chain' : `argus.${shard}.${aggregate.replace('/', '.')}`;
  return subject === wanted ? [] : [`${stream} ${position}: a commit of ${aggregate} stands on ${subject}`];
}

/** Plays the log's blocks: each stands on the one before, and in the end they are bitcoind's. */
function chainViolations(commits: readonly RawCommit[], { hashes }: BestChain): string[] {
  const blocks: { height: number; hash: string }[] = [];
  const violations: string[] = [];
  for (const { position, events } of commits)
    for (const { type, height, hash, prevHash } of events) {
      const tip = blocks.at(-1);
      if (type === 'BlockDisconnected' && blocks.pop()?.hash !== hash)
        violations.push(`CHAIN ${position} takes back ${hash}, which is not the tip`);
      if (type !== 'BlockConnected') continue;
      if (tip && (prevHash !== tip.hash || height !== tip.height + 1))
        violations.push(`CHAIN ${position} connects ${hash} at ${height} to ${tip.hash} at ${tip.height}`);
      blocks.push({ height: Number(height), hash: String(hash) });
    }
  if (blocks.at(-1)?.height !== hashes.length - 1)
    violations.push(`the log's tip is at ${blocks.at(-1)?.height}, bitcoind's at ${hashes.length - 1}`);
  for (const { height, hash } of blocks)
    if (hashes[height] !== hash) violations.push(`at ${height} the log has ${hash}, bitcoind ${hashes[height]}`);
  return violations;
}

function unscanned(commits: readonly RawCommit[], shard: number, { hashes }: BestChain): string[] {
  const tip = hashes.at(-1);
  const isScanned = commits.some(({ events }) =>
    events.some(({ type, hash }) => type === 'BlockScanned' && hash === tip),
  );
  return isScanned ? [] : [`shard ${shard} has no BlockScanned of the tip`];
}
