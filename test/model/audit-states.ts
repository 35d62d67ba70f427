import type { ChainCommit, Recorded, ShardCommit } from '../../events/commit.js';
import { BlockWindow } from '../../projections/block-window.js';
import { ShardState } from '../../projections/shard-state.js';
import { towerNumbers } from '../../projections/tower-info.js';
import { ancestor } from './block-tree.js';
import { LOCATOR_CACHE, ROOT_HEIGHT } from './model-node.js';
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

/** The chain on the log is bitcoind's, and the locator cache that of its last blocks. */
function auditChain(world: World, n: number): string[] {
  const node = world.nodes[n];
  const { tip } = world.bitcoind(n);
  if (!node?.shard) return [`node ${n} is not at work`];
  const wrong: string[] = [];
  const window = node.chain.state;
  if (window.tip?.hash !== tip.hash) wrong.push(`node ${n} has tip ${window.tip?.hash}, not ${tip.hash}`);
  for (const { height, hash } of window.from(0))
    if (ancestor(tip, height)?.hash !== hash) wrong.push(`node ${n} has a block at ${height} that is not on the chain`);
  return [...wrong, ...auditLocatorCache(world, n)];
}

/** Whenever nothing is under way, and nothing waited for, the locator cache holds exactly the last blocks of the log's chain. */
export function auditLocatorCache({ nodes, tree }: World, n: number): string[] {
  const node = nodes[n];
  const tip = tree.get(node?.chain.state.tip?.hash ?? '');
  if (!node?.shard || !tip) return [];
  const held = JSON.stringify(node.locatorCache);
  const lowest = Math.max(ROOT_HEIGHT, tip.height - LOCATOR_CACHE + 1);
  const last = Array.from({ length: tip.height - lowest + 1 }, (_, i) => ancestor(tip, lowest + i));
  const expected = JSON.stringify(last.map((block) => ({ height: block?.height, hash: block?.hash })));
  return held === expected ? [] : [`node ${n} holds the blocks ${held}, not ${expected}`];
}
