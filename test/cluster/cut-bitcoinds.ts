import assert from 'node:assert/strict';
import type { Network } from '../stage/network.js';
import { until } from '../support/until.js';
import { readLog } from '../torture/checker/raw-log.js';
import type { Play } from './play.js';

/**
 * Each bitcoind mines a branch of its own: a breach that the other has not, and one of a channel whose cheater shows each
 * of them another commitment. The log goes to the longer one, and stays there while the other draws level.
 */
export async function cutBitcoinds(play: Play, network: Network): Promise<void> {
  const { stage, operator } = play;
  const { a, b } = stage.link;
  const [left, right] = [await play.guardedBreach(), await play.guardedBreach()];
  const [replaced, replacing] = await play.guardedRivals();
  const nc = await stage.connect('node');
  const chain = async () => (await readLog(nc, 1)).chain;
  const before = (await chain()).length;

  network.part(['a'], ['b']);
  for (const breach of [left, replaced]) await play.mine(breach, a);
  for (const breach of [left, replaced]) await play.untilAnswered(breach, a);
  for (const breach of [right, replacing]) await play.mine(breach, b);
  const tip = await b.chain.mineOnly();
  for (const breach of [right, replacing]) await play.untilAnswered(breach, b);
  await until('the log is where there is more work', async () => (await operator.info().catch(() => {}))?.tip === tip);
  await a.chain.mineOnly();

  network.heal();
  await b.chain.mineOnly();
  await until('both have the same chain', async () => (await a.chain.tip()) === (await b.chain.tip()));
  await play.untilLevel();
  const reorgs = (await chain())
    .slice(before)
    .filter(({ events }) => events.some(({ type }) => type === 'BlockDisconnected'));
  assert.equal(reorgs.length, 1, 'the tip of the log moved from one branch to the other once');
}
