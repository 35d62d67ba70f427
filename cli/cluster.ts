import { alarmsOf, commitsBehind } from '../actors/alarms.js';
import type { NodeReport, StreamReport } from '../actors/cluster-wire.js';
import type { Nodes } from '../actors/every-node.js';
import { ranges } from '../actors/ranges.js';
import type { Operator } from './operator.js';
import { Table } from './print.js';

/** `argus cluster`: the nodes, the log's streams, and what somebody should look at. */
export interface Cluster extends Nodes {
  readonly streams: readonly StreamReport[];
  readonly alarms: readonly string[];
}

/** Asks all nodes; rejects with `OperatorError` if nobody answers. */
export async function askCluster(operator: Operator): Promise<Cluster> {
  const [nodes, streams] = await Promise.all([operator.everyNode(), operator.streams()]);
  return { ...nodes, streams, alarms: alarmsOf(nodes, streams) };
}

export function printCluster({ nodes, streams, alarms }: Cluster): void {
  new Table({
    NODE: 'node',
    VERSION: 'version',
    STATE: 'state',
    SERVES: 'serves',
    'COMMITS BEHIND': 'behind',
    BLOCK: 'block',
    'SCANNED TO': 'scanned',
    BITCOIND: 'bitcoind',
    'ITS BLOCK': 'itsBlock',
    PEERS: 'peers',
    'UP (S)': 'up',
  }).print(nodes.map((report) => nodeRow(report)));
  process.stdout.write('\n');
  new Table({
    STREAM: 'stream',
    MESSAGES: 'messages',
    BYTES: 'bytes',
    COPIES: 'copies',
    LEADER: 'leader',
    'COPIES BEHIND': 'behind',
  }).print(streams.map((stream) => streamRow(stream)));
  if (alarms.length > 0) process.stdout.write('\n');
  for (const alarm of alarms) process.stdout.write(`ALARM ${alarm}\n`);
}

function nodeRow(report: NodeReport) {
  const { node, version, state, shards, tower_shards: all, chain, bitcoind } = report;
  const scanned = shards.map(({ scanned_height: height }) => height ?? 0);
  const pruned = bitcoind.pruned ? ', pruned' : '';
  return {
    node,
    version,
    state: report.draining ? `${state}, draining` : state,
    serves: shards.length === all ? 'all' : ranges(shards.map(({ shard }) => shard)).join(','),
    behind: commitsBehind(report),
    block: chain.height,
    scanned: Math.min(...scanned) || null,
    bitcoind: bitcoind.reachable ? `${bitcoind.version?.replace(/^\/|\/$/g, '')}${pruned}` : 'away',
    itsBlock: bitcoind.height,
    peers: bitcoind.peers,
    up: report.uptime_seconds,
  };
}

function streamRow({ stream, messages, bytes, replicas, replicas_current: current, leader, peers }: StreamReport) {
  const behind = peers.filter((peer) => !peer.current || peer.lag > 0);
  return {
    stream,
    messages,
    bytes,
    copies: replicas === null ? null : `${current} of ${replicas}`,
    leader,
    behind: behind.map(({ name, offline, lag }) => `${name} ${offline ? 'offline' : lag}`).join(', ') || null,
  };
}
