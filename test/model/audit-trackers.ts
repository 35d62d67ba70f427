import type { BlobRefused, PenaltyOutspent, PenaltyRefused, TrackerEvent } from '../../events/tracker.js';
import type { Tracker } from '../../projections/tracker.js';
import { isOwed } from './audit-breaches.js';
import { type Block, isMinable, isMined, isOn } from './block-tree.js';
import { awaited, busyBlocks, connections, type Life, livesOf } from './lives.js';
import { BURIED } from './model-node.js';
import { byId, offerByHash, type Tx } from './transactions.js';
import type { World } from './world.js';

/** Guarantee 3 by code of its own: a tracker is carried to a buried penalty, or the log says truly why not. */
export function auditTrackers(world: World): string[] {
  const shard = world.nodes[0]?.shard?.fold.state;
  if (!shard) return ['no node is at work'];
  const lives = livesOf(world);
  const wrong: string[] = [];
  for (const [id, { state }] of shard.trackers()) {
    if (state.stage === 'none') continue;
    const own = lives.filter((life) => life.id === id);
    const faults = [...auditEnd(world, id, state, own), ...auditBooking(id, state, own)];
    wrong.push(...faults.map((fault) => `tracker ${id}, ${state.stage}: ${fault}`));
  }
  return wrong;
}

function auditEnd(world: World, id: string, state: Tracker, lives: readonly Life[]): string[] {
  const { tip } = world.bitcoind(0);
  switch (state.stage) {
    case 'irrevocable': {
      const penalty = byId.get(state.penalty.txid);
      const block = world.tree.get(state.block.hash);
      if (!penalty || !block?.txs.includes(penalty) || !isOn(block, tip)) return ['its penalty is not where it says'];
      const depth = depthOf(penalty, tip);
      return depth >= BURIED ? [] : [`its penalty is ${depth} deep`];
    }
    case 'penalty-refused':
      return isRightlyRefused(lastRefused(world, id), byId.get(state.disputeTxid), tip)
        ? []
        : ['its penalty was not for ever out'];
    case 'blob-refused':
      return auditBlobRefused(world, id, lives);
    default: {
      const dispute = byId.get(state.disputeTxid);
      if (dispute && isMined(dispute, tip)) return ['nothing came of it'];
      // The tower never sends a dispute that was only seen in a mempool.
      if (state.sightedAt !== null) return [];
      return dispute && isMinable(dispute, tip) && 'penalty' in state && state.penalty?.disputeRawTx
        ? ['its dispute was not sent again']
        : [];
    }
  }
}

function depthOf(tx: Tx, tip: Block): number {
  for (const block of busyBlocks(tip)) if (block.txs.includes(tx)) return tip.height - block.height + 1;
  return 0;
}

const isGivingUp = (event: TrackerEvent): event is PenaltyRefused | PenaltyOutspent =>
  event.type === 'PenaltyOutspent' || (event.type === 'PenaltyRefused' && event.final);

const lastRefused = ({ stored }: World, id: string): Tx | undefined => {
  const refusals = stored.flatMap(({ commit }) =>
    commit.aggregate.kind === 'tracker' && commit.aggregate.id === id
      ? (commit.events as readonly TrackerEvent[]).flatMap((event) => (isGivingUp(event) ? [event.penaltyTxid] : []))
      : [],
  );
  return byId.get(refusals.at(-1) ?? '');
};

/** A penalty is void where the rules forbid it, or where another transaction took what it or its dispute needs for good. */
function isRightlyRefused(penalty: Tx | undefined, dispute: Tx | undefined, tip: Block): boolean {
  if (!penalty || !dispute) return false;
  const isOutspent = (tx: Tx) => {
    const spender = tip.spent.get(tx.spends);
    return spender !== undefined && spender !== tx && depthOf(spender, tip) >= BURIED;
  };
  return penalty.invalid || isOutspent(penalty) || isOutspent(dispute);
}

function auditBlobRefused(world: World, id: string, lives: readonly Life[]): string[] {
  const refusals = world.stored.flatMap(({ commit }) =>
    commit.aggregate.kind === 'tracker' && commit.aggregate.id === id
      ? commit.events.filter((event): event is BlobRefused => event.type === 'BlobRefused')
      : [],
  );
  const last = refusals.at(-1);
  if (!last) return ['nobody said why'];
  if (last.reason === 'appointment-ended') return auditTooLate(world, lives);
  const accepted = lives.flatMap((life) => life.accepted).find(({ event }) => event.blob.position === last.blob);
  if (!accepted) return [`no version of it has blob ${last.blob}`];
  return offerByHash(accepted.event.scheme, accepted.event.blob.sha256)?.penalty ? ['its blob was good'] : [];
}

/** A breach may be too late for an appointment that had ended; not for one that was ended too early. */
function auditTooLate(world: World, lives: readonly Life[]): string[] {
  const connected = connections(world);
  return lives.flatMap((life) => {
    const dispute = awaited(life);
    return Array.from(busyBlocks(world.bitcoind(0).tip)).flatMap((block) => {
      const since = connected.get(block.hash)?.at(-1);
      const isMissed = dispute && block.txs.includes(dispute) && since !== undefined && isOwed(life, block, since);
      return isMissed ? [`the appointment was ended although block ${block.height} held its dispute`] : [];
    });
  });
}

/** An appointment ends with its tracker; where it lives on, its newest blob was tried. */
function auditBooking(id: string, state: Tracker, lives: readonly Life[]): string[] {
  const life = lives.at(-1);
  if (!life || life.end) return [];
  if (state.stage === 'irrevocable') return ['its appointment was not ended'];
  const blob = life.accepted.at(-1)?.event.blob.position;
  if (state.stage !== 'blob-refused' && state.stage !== 'penalty-refused') return [];
  return blob === state.blob ? [`${id} was not rejected`] : [`blob ${blob} was not tried`];
}
