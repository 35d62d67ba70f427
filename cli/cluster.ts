import type { NodeReport, StreamReport } from '../actors/cluster-wire.js';
import type { Nodes } from '../actors/every-node.js';
import { ranges } from '../actors/ranges.js';
import { type Operator, shardsText } from './operator.js';
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

/** So many commits may be on the log that a node has not folded yet. */
const MOST_COMMITS_BEHIND = 1_000;
/** A block needs a moment from one bitcoind to the next, and to be scanned; a second one should not wait for it. */
const MOST_BLOCKS_BEHIND = 1;

/** What somebody should look at, a line each; none if all is well. */
export function alarmsOf({ nodes: reports, silent }: Nodes, streams: readonly StreamReport[]): string[] {
  const highest = Math.max(...reports.map(({ chain }) => chain.height ?? 0));
  return [
    ...silent.map((node) => `node ${node} is there, but does not answer`),
    ...sameNames(reports),
    ...unserved(reports),
    ...reports.flatMap((report) => [...behindLog(report), ...behindChain(report, highest)]),
    ...streams.flatMap((stream) => weaknesses(stream)),
  ];
}

function sameNames(reports: readonly NodeReport[]): string[] {
  const names = reports.map(({ node }) => node);
  const twice = new Set(names.filter((name, i) => names.indexOf(name) !== i));
  return Array.from(twice, (name) => `several nodes are called ${name}: the log does not tell them apart`);
}

function unserved(reports: readonly NodeReport[]): string[] {
  const shards = Math.max(0, ...reports.map((report) => report.tower_shards));
  const served = new Set(reports.flatMap((report) => readyShards(report)));
  const missing = Array.from({ length: shards }, (_, shard) => shard).filter((shard) => !served.has(shard));
  return missing.length > 0 ? [`no node serves ${shardsText(missing)}: requests of their users are refused`] : [];
}

/** The shards that a node answers for; one that is replaying others does so, too. */
const readyShards = ({ state, shards }: NodeReport): number[] =>
  state === 'stopping' ? [] : shards.filter((shard) => shard.state === 'ready').map(({ shard }) => shard);

function behindLog(report: NodeReport): string[] {
  const { node, state, shards, chain } = report;
  if (chain.tail === null || shards.some(({ tail }) => tail === null))
    return [`node ${node} gets no answer from a stream of the log`];
  const behind = commitsBehind(report) ?? 0;
  return state === 'ready' && behind > MOST_COMMITS_BEHIND ? [`node ${node} is ${behind} commits behind the log`] : [];
}

function behindChain({ node, state, shards, chain, bitcoind }: NodeReport, highest: number): string[] {
  const late = (height: number | null) => highest - (height ?? 0) > MOST_BLOCKS_BEHIND;
  const unscanned = state === 'ready' ? shards.filter((shard) => late(shard.scanned_height)) : [];
  return [
    ...(unscanned.length > 0
      ? [`node ${node} has not seen block ${highest} scanned for ${shardsText(unscanned.map(({ shard }) => shard))}`]
      : []),
    ...(bitcoind.reachable ? [] : [`bitcoind of node ${node} does not answer`]),
    ...(bitcoind.reachable && late(bitcoind.height)
      ? [`bitcoind of node ${node} is at block ${bitcoind.height}, the log at ${chain.height ?? highest}`]
      : []),
  ];
}

/** What is wrong with the copies of a stream, a line each. */
export function weaknesses({ stream, leader, replicas, replicas_current: current, peers }: StreamReport): string[] {
  if (leader === null) return [`stream ${stream} has no leader that answers: nothing can be put on it`];
  if (replicas === null || current === null || current >= replicas) return [];
  const absent = peers.filter((peer) => !peer.current).map((peer) => peer.name);
  const who = absent.length > 0 ? ` (not ${absent.join(', ')})` : '';
  return [`stream ${stream} has ${current} of ${replicas} copies up to date${who}`];
}

/** Commits on the log that a node has not folded yet; undefined where either end is not known. */
function commitsBehind({ shards, chain }: NodeReport): number | undefined {
  let behind = 0;
  for (const { position, tail } of [chain, ...shards]) {
    if (position === null || tail === null) return undefined;
    behind += Math.max(0, tail - position);
  }
  return behind;
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
    state,
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
