import type { BreachDetected } from '../../events/tracker.js';
import type { Block } from './block-tree.js';
import { awaited, busyBlocks, connections, type Life, livesOf } from './lives.js';
import { LOCATOR_CACHE } from './model-node.js';
import { byId } from './transactions.js';
import type { World } from './world.js';

/** Guarantee 2 by code of its own: a breach of a live appointment, in a block of the best chain, has a tracker. */
export function auditBreaches(world: World): string[] {
  const wrong: string[] = [];
  const lives = livesOf(world);
  const connected = connections(world);
  const detected = detections(world);
  for (const block of busyBlocks(world.bitcoind(0).tip))
    for (const life of lives) {
      const dispute = awaited(life);
      const since = connected.get(block.hash)?.at(-1);
      if (!dispute || since === undefined || !block.txs.includes(dispute)) continue;
      if (isOwed(life, block, since) && !detected.some((d) => d.id === life.id && d.event.disputeTxid === dispute.id))
        wrong.push(`no tracker for ${life.id}, whose dispute is in block ${block.height}`);
    }
  return [...wrong, ...detected.flatMap((detection) => auditDetection(world, detection)), ...auditScans(world, lives)];
}

/** Whether an appointment that lived when a block came, or was new then, is owed a tracker for what is in it. */
export function isOwed({ accepted, end }: Life, { height }: Block, since: number): boolean {
  const isNews = accepted.some(({ at, event }) => since > at || height > event.startBlock - LOCATOR_CACHE);
  if (!end) return isNews;
  return isNews && end.reason === 'expired' && since <= (end.overAt ?? end.at) && height <= (end.height ?? 0);
}

interface Detection {
  readonly at: number;
  readonly id: string;
  readonly event: BreachDetected;
}

const detections = ({ stored }: World): Detection[] =>
  stored.flatMap(({ at, commit }) =>
    commit.aggregate.kind === 'tracker'
      ? commit.events.flatMap((event) =>
          event.type === 'BreachDetected' && commit.aggregate.kind === 'tracker'
            ? [{ at, id: commit.aggregate.id, event }]
            : [],
        )
      : [],
  );

/** No breach is made up: its dispute is in its block, and is what the locator names. */
function auditDetection({ tree }: World, { id, event }: Detection): string[] {
  const dispute = byId.get(event.disputeTxid);
  const isThere = dispute && tree.get(event.block.hash)?.txs.includes(dispute);
  return isThere ? [] : [`the breach of ${id} is not in block ${event.block.hash}`];
}

/** Whether the log said by then that nobody had a block, and not yet that it was read after all. */
function isGap({ stored }: World, { hash }: Block, by: number): boolean {
  let isUnread = false;
  for (const { at, commit } of stored)
    for (const event of at < by ? commit.events : [])
      if ((event.type === 'BlockUnread' || event.type === 'BlockScanned') && event.hash === hash)
        isUnread = event.type === 'BlockUnread';
  return isUnread;
}

/** What `BlockScanned` says is true: every breach that the block and those below it hold is on the log before it. */
function auditScans(world: World, lives: readonly Life[]): string[] {
  const wrong: string[] = [];
  const connected = connections(world);
  const detected = detections(world);
  for (const { at, commit } of world.stored)
    for (const event of commit.events) {
      const tip = event.type === 'BlockScanned' ? world.tree.get(event.hash) : undefined;
      if (!tip) continue;
      for (const block of busyBlocks(tip))
        for (const life of lives) {
          const dispute = awaited(life);
          const since = connected.get(block.hash)?.findLast((connection) => connection < at);
          if (!dispute || since === undefined || !block.txs.includes(dispute)) continue;
          if (isGap(world, block, at)) continue;
          const lived = (life.accepted[0]?.at ?? at) < since && (life.end?.at ?? at + 1) > at;
          if (lived && !detected.some((d) => d.id === life.id && d.event.disputeTxid === dispute.id && d.at < at))
            wrong.push(`block ${tip.height} was called scanned before the breach of ${life.id} was on the log`);
        }
    }
  return wrong;
}
