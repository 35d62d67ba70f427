import { awaited, livesOf } from './lives.js';
import { allDisputes, type Tx } from './transactions.js';
import type { World } from './world.js';

/**
 * What is promised of a mempool that is watched, at a time when nothing is under way: each dispute in it that an
 * appointment waits for has a tracker.
 */
export function auditMempool(world: World, n: number): string[] {
  const shard = world.nodes[n]?.shard?.fold.state;
  const bitcoind = world.bitcoind(n);
  if (!world.setting.seesMempool || !shard || bitcoind.wasAway) return [];
  return livesOf(world).flatMap((life) => {
    const dispute = awaited(life);
    if (life.end || !dispute || !bitcoind.mempool.includes(dispute)) return [];
    const isKnown = shard.trackerIds.some((id) => id === life.id && shard.tracker(id).state.stage !== 'none');
    return isKnown ? [] : [`node ${n} sees the dispute of ${life.id} in the mempool, and does nothing`];
  });
}

/** The tower never sends a dispute that it only saw in a mempool: at the least, the log says that it was in a block. */
export function auditSent({ stored }: World, tx: Tx): string[] {
  if (!allDisputes.some((dispute) => dispute === tx)) return [];
  const wasMined = stored.some(({ commit }) =>
    commit.events.some((event) => event.type === 'BreachDetected' && event.disputeTxid === tx.id),
  );
  return wasMined ? [] : [`the dispute ${tx.id} was sent, which was never in a block`];
}
