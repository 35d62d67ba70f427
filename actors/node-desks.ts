import type { Shard } from '../events/ids.js';
import { connectLog } from '../events/log/connection.js';
import { CHAIN, POLICY, towerStream, wantedStreams } from '../events/log/streams.js';
import { AuditDesk } from './audit-desk/audit-desk.js';
import { AS_NODE, openLiveSource } from './auditor/live-source.js';
import { shownLimits } from './config-limits.js';
import type { DoorsNeeds } from './doors.js';
import type { Duty } from './duty.js';
import { LastBlock } from './metrics/last-block.js';
import { Metrics } from './metrics/metrics.js';
import { MetricsDoor } from './metrics/metrics-door.js';
import { LogDesk } from './operator-desk/log-desk.js';
import { NodeDesk } from './operator-desk/node-desk.js';
import { NodeReporter } from './operator-desk/node-report.js';
import type { OperatorDesk } from './operator-desk/operator-desk.js';
import { streamReports } from './operator-desk/stream-report.js';
import { version } from './version.js';
import { WebSide } from './web-side.js';

/** What of a node's doors is for its operator, put together: what tells how the node is. */

export function reporterOf(needs: DoorsNeeds, duty: Duty): NodeReporter {
  const { nc, options, layout, log, chain, shards, rpc, zmq, state, snapshots, meters } = needs;
  return new NodeReporter({
    node: options.config.node,
    version,
    towerShards: layout.shards,
    shards,
    state,
    chain: chain.state,
    tail: (stream) => log.tail(stream),
    natsServer: () => (needs.isConnected() ? nc.info?.server_name : undefined),
    rpc,
    zmq,
    duty,
    requestsUnderWay: () => meters.requestsUnderWay,
    limits: () => shownLimits({ ...options.config, limits: needs.limits }),
    data: options.config.data,
    snapshots,
  });
}

export function nodeDeskOf(
  { nc, options, layout, log, logger }: DoorsNeeds,
  reporter: NodeReporter,
  duty: Duty,
): NodeDesk {
  const names = wantedStreams(layout).map(({ name }) => name);
  return new NodeDesk(nc, {
    node: options.config.node,
    version,
    report: () => reporter.report(),
    streams: () => streamReports(log.jsm, names),
    duty,
    log: logger.child({ actor: 'node-desk' }),
  });
}

export function auditDeskOf({ nc, layout, log, logger }: DoorsNeeds): AuditDesk {
  const streams = wantedStreams(layout).map(({ name }) => name);
  return new AuditDesk(nc, { version, streams, jsm: log.jsm, log: logger.child({ actor: 'audit-desk' }) });
}

/** What shows the operator the log. Blobs, and what is a secret of the nodes, are not of it. */
export function logDeskOf({ nc, options, layout, logger }: DoorsNeeds): LogDesk {
  const { natsUrl: servers, natsSeed: seed, natsTrust: trust, config } = options;
  const shards = Array.from({ length: layout.shards }, (_, shard) => towerStream(shard as Shard));
  return new LogDesk(nc, {
    version,
    streams: [CHAIN, POLICY, ...shards],
    source: async () =>
      openLiveSource(await connectLog({ servers, seed, trust, name: `argus ${config.node}, feed` }), seed, AS_NODE),
    log: logger.child({ actor: 'log-desk' }),
  });
}

export function metricsDoorOf(
  needs: DoorsNeeds,
  reporter: NodeReporter,
  desk: OperatorDesk,
  duty: Duty,
): MetricsDoor | undefined {
  const { options, isConnected, logger, meters, chain } = needs;
  const { listen } = options.config.metrics;
  if (!listen) return undefined;
  const last = new LastBlock(chain);
  const blockTime = () => last.time(needs.state() === 'ready');
  const metrics = new Metrics({ report: () => reporter.report(), info: () => desk.info(), meters, blockTime });
  const state = () => (duty.isDraining ? 'draining' : needs.state());
  return new MetricsDoor({ ...listen, metrics, state, isConnected, log: logger.child({ actor: 'metrics' }) });
}

export function webSideOf(needs: DoorsNeeds, reporter: NodeReporter, desk: OperatorDesk): WebSide | undefined {
  const { listen } = needs.options.config.web;
  if (!listen) return undefined;
  const [report, info] = [() => reporter.report(), () => desk.info()];
  const log = needs.logger.child({ actor: 'web' });
  return new WebSide(listen, {
    ...needs,
    chain: needs.chain.state,
    report,
    info,
    trackers: (limit) => desk.trackers(limit),
    log,
  });
}
