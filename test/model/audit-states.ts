import type { ChainCommit, Recorded, ShardCommit } from '../../events/commit.js';
import { BlockWindow } from '../../projections/block-window.js';
import { ShardState } from '../../projections/shard-state.js';
import { towerNumbers } from '../../projections/tower-info.js';
import { ancestor } from './block-tree.js';
import { LOCATOR_CACHE } from './model-node.js';
import type { Sample, World } from './world.js';

/** Guarantee 4: whoever folds as much of the log knows the same, to the byte; and all know the chain as it is. */
export function auditStates(world: World): string[] {
  return [...auditSamples(world), ...world.nodes.flatMap((_, node) => auditChain(world, node))];
}

/** Replays the log from zero, and compares at each position at which some node was asked what it knew. */
function auditSamples(world: World): string[] {
  for (let node = 0; node < world.nodes.length; node++) world.sample(node);
  const shard = new ShardState();
  const chain = new BlockWindow();
  const wrong: string[] = [];
  const compare = (sample: Sample, replayed: unknown) => {
    const expected = JSON.stringify(replayed);
    if (sample.state !== expected)
      wrong.push(`${sample.node} at ${sample.of} ${sample.position}: ${sample.state}, replayed: ${expected}`);
  };
  const due = (of: Sample['of'], position: number) =>
    world.samples.filter((sample) => sample.of === of && sample.position === position);
  for (const sample of due('shard', 0)) compare(sample, shard);
  for (const { commit } of world.stored) {
    if (commit.aggregate.kind === 'chain') {
      chain.apply(commit as Recorded<ChainCommit>);
      for (const sample of due('chain', commit.position)) compare(sample, chain);
    } else {
      shard.apply(commit as Recorded<ShardCommit>);
      for (const sample of due('shard', commit.position)) compare(sample, shard);
      const numbers = towerNumbers([shard]);
      if (Object.values(numbers).some((number) => number < 0))
        wrong.push(`after shard commit ${commit.position} the tower counts ${JSON.stringify(numbers)}`);
    }
  }
  return wrong;
}

/** The chain on the log is bitcoind's, and the locator cache holds exactly its last blocks. */
function auditChain(world: World, n: number): string[] {
  const node = world.nodes[n];
  const { tip } = world.bitcoind(n);
  if (!node?.shard) return [`node ${n} is not at work`];
  const wrong: string[] = [];
  const window = node.chain.state;
  if (window.tip?.hash !== tip.hash) wrong.push(`node ${n} has tip ${window.tip?.hash}, not ${tip.hash}`);
  for (const { height, hash } of window.from(0))
    if (ancestor(tip, height)?.hash !== hash) wrong.push(`node ${n} has a block at ${height} that is not on the chain`);
  const held = JSON.stringify(node.locatorCache);
  const last = Array.from({ length: LOCATOR_CACHE }, (_, i) => ancestor(tip, tip.height - LOCATOR_CACHE + 1 + i));
  const expected = JSON.stringify(last.map((block) => ({ height: block?.height, hash: block?.hash })));
  if (held !== expected) wrong.push(`node ${n} holds the blocks ${held}, not ${expected}`);
  return wrong;
}
