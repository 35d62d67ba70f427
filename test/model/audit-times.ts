import type { ChainEvent } from '../../events/chain.js';
import type { BlockHash } from '../../events/ids.js';
import type { TrackerEvent } from '../../events/tracker.js';
import type { UserEvent } from '../../events/user.js';
import { BURIED, TERMS } from './model-node.js';
import type { World } from './world.js';

/** What is decided by heights, by code of its own: nothing is called irrevocable, and nobody outdated, a block too early. */
export function auditTimes(world: World): string[] {
  const depths = new Depths(world);
  const due = new Map<string, number>();
  const places = new Map<string, BlockHash>();
  return world.stored.flatMap(({ at, commit: { aggregate, events } }) => {
    if (aggregate.kind === 'chain') depths.take(events as readonly ChainEvent[]);
    const faults =
      aggregate.kind === 'user'
        ? (events as readonly UserEvent[]).flatMap((event) => auditOutdated(aggregate.id, event, due, depths.highest))
        : aggregate.kind === 'tracker'
          ? (events as readonly TrackerEvent[]).flatMap((event) => auditBurial(aggregate.id, event, places, depths))
          : [];
    return faults.map((fault) => `commit ${at} of all: ${fault}`);
  });
}

function auditOutdated(id: string, event: UserEvent, due: Map<string, number>, highest: number): string[] {
  if (event.type === 'UserRegistered' || event.type === 'SubscriptionRenewed') due.set(id, event.expiry + TERMS.grace);
  if (event.type !== 'SubscriptionOutdated') return [];
  const at = due.get(id) ?? Number.POSITIVE_INFINITY;
  const height = Math.min(event.height, highest);
  return height >= at ? [] : [`${id} was outdated at ${height}, but its time is over at ${at}`];
}

function auditBurial(id: string, event: TrackerEvent, places: Map<string, BlockHash>, depths: Depths): string[] {
  if (event.type === 'PenaltyConfirmed' || event.type === 'PenaltyOutspent') places.set(id, event.block.hash);
  if (event.type !== 'PenaltyIrrevocable' && event.type !== 'OutspendIrrevocable') return [];
  const depth = depths.most(places.get(id));
  return depth >= BURIED ? [] : [`${event.type} of ${id} at a depth of ${depth}`];
}

/** The log's chain, and how deep each block with a transaction of interest ever was in it. */
class Depths {
  readonly #busy = new Map<BlockHash, number>();
  readonly #most = new Map<BlockHash, number>();
  highest = 0;

  constructor(private readonly world: World) {}

  take(events: readonly ChainEvent[]): void {
    for (const event of events) {
      if (event.type === 'IdentityRotated' || event.type === 'TowerImported') continue;
      const { type, hash, height } = event;
      if (type === 'BlockDisconnected') this.#busy.delete(hash as BlockHash);
      else this.#connect(hash as BlockHash, height);
    }
  }

  /** The most confirmations that a block ever had, itself included. */
  most(hash: BlockHash | undefined): number {
    return (hash && this.#most.get(hash)) ?? 0;
  }

  #connect(hash: BlockHash, height: number): void {
    this.highest = Math.max(this.highest, height);
    if (this.world.tree.get(hash)?.txs.length) this.#busy.set(hash, height);
    for (const [block, at] of this.#busy) this.#most.set(block, Math.max(this.most(block), height - at + 1));
  }
}
