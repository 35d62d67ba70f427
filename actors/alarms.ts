import type { NodeReport, StreamReport } from './cluster-wire.js';
import type { Nodes } from './every-node.js';
import { shardsText } from './ranges.js';

/** What is wrong with the nodes of a tower and with its log, in words: for `argus cluster`, `argus alert` and the web page alike. */

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
    ...reports.flatMap(({ node, draining }) => (draining ? [`node ${node} takes no requests: it is draining`] : [])),
    ...reports.flatMap((report) => alarmsOfNode(report, highest)),
    ...streams.flatMap((stream) => weaknesses(stream)),
  ];
}

/** The same of one node, of which alone something is known; `highest` is the highest block that any node knows. */
export const alarmsOfNode = (report: NodeReport, highest = report.chain.height ?? 0): string[] => [
  ...behindLog(report),
  ...behindChain(report, highest),
];

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
const readyShards = ({ state, draining, shards }: NodeReport): number[] =>
  state === 'stopping' || draining ? [] : shards.filter((shard) => shard.state === 'ready').map(({ shard }) => shard);

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
export function commitsBehind({ shards, chain }: NodeReport): number | undefined {
  let behind = 0;
  for (const { position, tail } of [chain, ...shards]) {
    if (position === null || tail === null) return undefined;
    behind += Math.max(0, tail - position);
  }
  return behind;
}
