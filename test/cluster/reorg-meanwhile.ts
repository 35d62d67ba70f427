import type { Breach } from '../../cli/demo/channel.js';
import type { Play } from './play.js';

/**
 * What happens while one node does not see it: a breach is mined and answered, a reorg takes its block out, another breach is
 * mined on the branch that takes its place, and blocks bury both. Resolves when both bitcoinds are on that branch.
 */
export async function reorgMeanwhile(play: Play, reorged: Breach, replacing: Breach): Promise<void> {
  const { link } = play.stage;
  const { a } = link;
  await play.mine(reorged);
  await play.untilAnswered(reorged);
  await a.chain.invalidate(await a.chain.tip());
  await play.mine(replacing);
  await a.chain.mineOnly(); // now this branch has more work
  for (const breach of [reorged, replacing]) await play.untilAnswered(breach, a);
  await a.chain.mine(2);
  await link.join();
}
