import type { ChainEvent } from '../../events/chain.js';
import type { Block } from './block-tree.js';
import type { World } from './world.js';

/** What the log tells of the chain, by code of its own: each block stands on the tip, and each commit leads to more work. */
export function auditChainLog({ stored, tree }: World): string[] {
  let tip: Block | undefined;
  return stored.flatMap(({ commit }) => {
    if (commit.aggregate.kind !== 'chain') return [];
    const before = tip;
    const wrong: string[] = [];
    for (const event of commit.events as readonly ChainEvent[]) {
      if (event.type === 'IdentityRotated' || event.type === 'TowerImported') continue;
      const { type, hash, height } = event;
      const block = tree.get(hash);
      const isInPlace = type === 'BlockDisconnected' ? block === tip : !tip || block?.prev === tip;
      if (!isInPlace) wrong.push(`${type} of ${hash} at ${height}, but the tip is ${tip?.hash} at ${tip?.height}`);
      tip = type === 'BlockDisconnected' ? block?.prev : block;
    }
    if (before && (tip?.work ?? 0) <= before.work) wrong.push(`the work went from ${before.work} to ${tip?.work}`);
    return wrong.map((fault) => `chain commit ${commit.position}: ${fault}`);
  });
}
