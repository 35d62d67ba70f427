import type { NodeReport } from '../cluster-wire.js';
import type { Nodes } from '../every-node.js';

/** Why all is not well, for a person: `bad` may cost somebody money, `watch` is worth a look. */
export interface Complaint {
  readonly level: 'bad' | 'watch';
  readonly text: string;
}

/** What is known of the whole tower, of what `argus info --json` shows. */
export interface TowerNumbers {
  readonly network?: unknown;
  readonly stuck_trackers: number;
  readonly unserved_shards: readonly number[];
  readonly shards: readonly {
    readonly shard: number;
    readonly head_alarm: string | null;
    readonly unscanned_heights: readonly unknown[];
  }[];
}

/** How many blocks a bitcoind may be ahead of the log for a moment. */
const LAG_BLOCKS = 2;

/** All that is wrong, worst first; nothing if all is well. `tower` is undefined where nobody could be asked. */
export function complaintsOf(own: NodeReport, isConnected: boolean, nodes: Nodes, tower: TowerNumbers | undefined) {
  const found = [
    ...ofNode(own, isConnected, tower?.network),
    ...ofOthers(own, nodes),
    ...(tower ? ofTower(tower) : []),
  ];
  return found.toSorted((a, b) => Number(b.level === 'bad') - Number(a.level === 'bad'));
}

const bad = (text: string): Complaint => ({ level: 'bad', text });
const watch = (text: string): Complaint => ({ level: 'watch', text });

function ofNode({ state, bitcoind, chain }: NodeReport, isConnected: boolean, network: unknown): Complaint[] {
  const found: Complaint[] = [];
  if (!isConnected) found.push(bad('This node has no connection to NATS: it accepts nothing and learns of nothing.'));
  if (state === 'replaying') found.push(watch('This node is not level with the log yet.'));
  if (state === 'stopping') found.push(watch('This node is stopping.'));
  if (!bitcoind.reachable)
    found.push(bad("This node's bitcoind does not answer: it sees no block and sends no penalty."));
  const [theirs, ours] = [bitcoind.height ?? 0, chain.height ?? 0];
  if (theirs >= ours + LAG_BLOCKS)
    found.push(bad(`The log is at block ${ours}, and this node's bitcoind at ${theirs}.`));
  if (bitcoind.reachable && theirs + LAG_BLOCKS <= ours)
    found.push(watch(`This node's bitcoind is at block ${theirs}, behind the log at ${ours}.`));
  if (bitcoind.peers === 0 && network !== 'regtest') found.push(watch("This node's bitcoind has no peers."));
  return found;
}

function ofOthers(own: NodeReport, { nodes, silent }: Nodes): Complaint[] {
  const others = nodes.filter(({ node }) => node !== own.node);
  return [
    ...silent.map((node) => bad(`Node ${node} does not say how it is.`)),
    ...others.filter(({ state }) => state !== 'ready').map(({ node, state }) => watch(`Node ${node} is ${state}.`)),
    ...others
      .filter(({ bitcoind }) => !bitcoind.reachable)
      .map(({ node }) => watch(`The bitcoind of node ${node} does not answer.`)),
  ];
}

function ofTower({ stuck_trackers: stuck, unserved_shards: unserved, shards }: TowerNumbers): Complaint[] {
  const found: Complaint[] = [];
  if (stuck > 0)
    found.push(
      bad(`${stuck === 1 ? 'A penalty' : `${stuck} penalties`} could have been mined six blocks ago, and was not.`),
    );
  if (unserved.length > 0) found.push(bad(`No node answers for shard ${unserved.join(', ')}.`));
  for (const { shard, head_alarm: alarm, unscanned_heights: unread } of shards) {
    if (alarm !== null) found.push(bad(`Shard ${shard}: ${alarm}.`));
    if (unread.length > 0) found.push(bad(`Shard ${shard}: nobody could read block ${unread.join(', ')}.`));
  }
  return found;
}
