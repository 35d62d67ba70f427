import type { Height } from '../events/ids.js';
import type { RefusalVerdict } from '../events/tracker.js';
import type { ShardState } from './shard-state.js';
import type { LiveTracker } from './tracker.js';

/** What a tracker waits for, and since when: nothing waits in silence. */
export interface Waiting {
  /**
   * `broadcast`: the penalty's first way to bitcoind. A verdict: bitcoind refuses the penalty so, for now. `dispute`: that was
   * reorged out, or only ever seen in a mempool, and has to be mined. `block`: the penalty is in the mempool. `burial`: it is
   * in a block. `outspend-burial`: another transaction spent what it needs, and may yet be reorged out.
   */
  readonly for: 'broadcast' | RefusalVerdict | 'dispute' | 'block' | 'burial' | 'outspend-burial';
  /** The height at which this began; null where the log does not tell. */
  readonly since: Height | null;
}

export function waitingOf(tracker: LiveTracker): Waiting {
  switch (tracker.stage) {
    case 'confirmed':
      return { for: 'burial', since: tracker.block.height };
    case 'outspent':
      return { for: 'outspend-burial', since: tracker.outspend.block.height };
    default:
      return waitingOfUnmined(tracker);
  }
}

function waitingOfUnmined(tracker: Extract<LiveTracker, { refusal: unknown }>): Waiting {
  const { refusal, disputeBlock, lostBlock, sightedAt } = tracker;
  if (refusal) return { for: refusal.verdict, since: refusal.height };
  if (!disputeBlock) return { for: 'dispute', since: lostBlock?.height ?? sightedAt };
  return tracker.stage === 'broadcast'
    ? { for: 'block', since: tracker.since }
    : { for: 'broadcast', since: disputeBlock.height };
}

/** Blocks after which a penalty that is in none of them is worth an operator's look. */
const STUCK = 6;

/** Whether the penalty could have been mined for six blocks or more, and was not. */
export function isStuck(tracker: LiveTracker, height: Height): boolean {
  if (!('refusal' in tracker)) return false;
  const place = tracker.disputeBlock?.height ?? tracker.lostBlock?.height ?? tracker.sightedAt;
  const since = tracker.stage === 'broadcast' ? tracker.since : (place ?? height);
  return height - since >= STUCK;
}

/** How many trackers of some shards are stuck; 0 as long as there is no chain. */
export function stuckTrackers(shards: Iterable<ShardState>, height: Height | undefined): number {
  let stuck = 0;
  if (height !== undefined)
    for (const shard of shards)
      for (const [, tracker] of shard.liveTrackers()) stuck += Number(isStuck(tracker, height));
  return stuck;
}

/** What trackers wait for where all goes well: told also where none does. */
const USUAL = ['broadcast', 'dispute', 'block', 'burial', 'outspend-burial'] as const;

/** How many trackers of a shard wait for what, and for how many blocks the one that has waited longest has. */
export function waitingTrackers(shard: ShardState, height: Height | undefined) {
  const found = new Map<Waiting['for'], { readonly trackers: number; readonly oldest_blocks: number }>(
    USUAL.map((what) => [what, { trackers: 0, oldest_blocks: 0 }]),
  );
  for (const [, tracker] of shard.liveTrackers()) {
    const { for: what, since } = waitingOf(tracker);
    const { trackers, oldest_blocks: oldest } = found.get(what) ?? { trackers: 0, oldest_blocks: 0 };
    const blocks = height === undefined || since === null ? 0 : height - since;
    found.set(what, { trackers: trackers + 1, oldest_blocks: Math.max(oldest, blocks) });
  }
  return found;
}
