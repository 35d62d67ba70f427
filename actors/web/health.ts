import { alarmsOf, alarmsOfNode } from '../alarms.js';
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
  readonly shards: readonly {
    readonly shard: number;
    readonly head_alarm: string | null;
    readonly unscanned_heights: readonly unknown[];
  }[];
}

/**
 * All that is wrong, worst first; nothing if all is well: what `argus cluster` calls an alarm of nodes, and what `argus info` has to
 * say. `nodes` is what all nodes said some seconds ago, nobody where they cannot be asked; `own` is of now.
 */
export function complaintsOf(own: NodeReport, isConnected: boolean, nodes: Nodes, tower?: TowerNumbers): Complaint[] {
  const others = nodes.nodes.filter(({ node }) => node !== own.node);
  const isAnybody = nodes.nodes.length + nodes.silent.length > 0;
  const alarms = new Set([...alarmsOfNode(own), ...(isAnybody ? alarmsOf(nodes, []) : [])]);
  const found = [
    ...(isConnected ? [] : [bad('this node has no connection to NATS: it accepts nothing and learns of nothing')]),
    ...Array.from(alarms, bad),
    ...[own, ...others].flatMap((node) => ofNode(node, tower?.network)),
    ...(tower ? ofTower(tower) : []),
  ];
  return found.toSorted((a, b) => Number(b.level === 'bad') - Number(a.level === 'bad'));
}

const bad = (text: string): Complaint => ({ level: 'bad', text });
const watch = (text: string): Complaint => ({ level: 'watch', text });

function ofNode({ node, state, bitcoind }: NodeReport, network: unknown): Complaint[] {
  const isAlone = bitcoind.reachable && bitcoind.peers === 0 && network !== 'regtest';
  return [
    ...(state === 'ready' ? [] : [watch(`node ${node} is ${state}`)]),
    ...(isAlone ? [watch(`bitcoind of node ${node} has no peers`)] : []),
  ];
}

function ofTower({ stuck_trackers: stuck, shards }: TowerNumbers): Complaint[] {
  const penalties = stuck === 1 ? 'a penalty' : `${stuck} penalties`;
  return [
    ...(stuck > 0 ? [bad(`${penalties} could have been mined six blocks ago, and was not`)] : []),
    ...shards.flatMap(({ shard, head_alarm: alarm, unscanned_heights: unread }) => [
      ...(alarm === null ? [] : [bad(`shard ${shard}: ${alarm}`)]),
      ...(unread.length > 0 ? [bad(`shard ${shard}: nobody could read block ${unread.join(', ')}`)] : []),
    ]),
  ];
}
