import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { z } from 'zod';
import type { NodeReport } from '../cluster-wire.js';
import type { Meters } from './meters.js';

/** What `argus info` says of every shard that somebody answers for; see `OperatorDesk`. */
const Info = z.object({
  unserved_shards: z.array(z.number()),
  shards: z.array(
    z.object({
      shard: z.number(),
      scanned_height: z.number().nullable(),
      users: z.number(),
      watched_appointments: z.number(),
      trackers: z.number(),
      stuck_trackers: z.number(),
      waiting: z.record(z.string(), z.object({ trackers: z.number(), oldest_blocks: z.number() })).optional(),
    }),
  ),
});
type Info = z.infer<typeof Info>;

export interface MetricsNeeds {
  readonly report: () => Promise<NodeReport>;
  /** The tower at a glance, as the operator is told. */
  readonly info: () => Promise<object>;
  /** What the node measured while it worked. */
  readonly meters: Pick<Meters, 'registry'>;
  /** When the newest block of the log was mined, by its header, in seconds since 1970, if that is known. */
  readonly blockTime: () => number | undefined;
}

/**
 * A node in numbers, in the text format of Prometheus. `argus_shard_*` and `argus_unserved_shards` are of the whole tower, as this node
 * sees it; all others are this node's own.
 *
 * What `Meters` has was counted when it happened. All else is read anew whenever somebody asks; what is not known is left out.
 */
export class Metrics {
  /** Of the process: processor, memory, event loop, garbage. */
  readonly #process = new Registry();
  #rendering: Promise<string> | undefined;

  constructor(private readonly needs: MetricsNeeds) {
    collectDefaultMetrics({ register: this.#process });
  }

  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;

  /** Who asks while others do gets the same answer. */
  render(): Promise<string> {
    this.#rendering ??= this.#render().finally(() => {
      this.#rendering = undefined;
    });
    return this.#rendering;
  }

  async #render(): Promise<string> {
    const [report, info] = await Promise.all([this.needs.report(), this.needs.info()]);
    const readings = new Readings();
    setNode(readings, report);
    setChain(readings, report, this.needs.blockTime());
    setTower(readings, report.tower_shards, Info.parse(info));
    return Registry.merge([this.#process, this.needs.meters.registry, readings.registry]).metrics();
  }
}

/** What was read at one moment. */
class Readings {
  readonly registry = new Registry();

  set(name: string, help: string, value: Reading, labels: Labels = {}): void {
    if (value === null || value === undefined) return;
    this.#series(Gauge, name, help, labels).set(labels, Number(value));
  }

  /** What only grows while the node lives. */
  count(name: string, help: string, value: Reading, labels: Labels): void {
    if (value === null || value === undefined) return;
    this.#series(Counter, name, help, labels).inc(labels, Number(value));
  }

  #series<Kind extends Gauge | Counter>(
    kind: new (how: { name: string; help: string; labelNames: string[]; registers: Registry[] }) => Kind,
    name: string,
    help: string,
    labels: Labels,
  ): Kind {
    const known = this.registry.getSingleMetric(name);
    if (known instanceof kind) return known;
    return new kind({ name, help, labelNames: Object.keys(labels), registers: [this.registry] });
  }
}

/** Null and undefined where it is not known. */
type Reading = number | boolean | null | undefined;
type Labels = Readonly<Record<string, string>>;

function setNode(
  readings: Readings,
  { node, version, state, uptime_seconds: uptime, nats_server: nats, shards, ...more }: NodeReport,
): void {
  readings.set('argus_node_info', 'The node, its version and its state; always 1.', 1, { node, version, state });
  readings.set('argus_node_ready', 'Whether the node is level with the log and answers clients.', state === 'ready');
  readings.set('argus_node_uptime_seconds', 'Since the node was started.', uptime);
  readings.set('argus_node_nats_connected', 'Whether the node is connected to a NATS server.', nats !== null);
  const { draining, requests_under_way: underWay, disk } = more;
  readings.set('argus_node_draining', 'Whether the operator has the node drain: it takes no requests.', draining);
  readings.set('argus_node_requests_under_way', 'Requests of clients that the node is answering.', underWay);
  readings.set('argus_node_disk_free_bytes', "Room on the disk of the node's folder.", disk?.free_bytes);
  readings.set('argus_node_disk_size_bytes', "Size of the disk of the node's folder.", disk?.size_bytes);
  for (const { shard, state, appends, conflicts, ...where } of shards) {
    const of = { shard: String(shard) };
    readings.set('argus_node_shard_ready', 'Whether the node serves the shard now.', state === 'ready', of);
    readings.set('argus_node_shard_commits_behind', 'Commits of the shard not folded yet.', behind(where), of);
    readings.count('argus_node_shard_appends_total', 'Appends tried since the shard was started.', appends, of);
    readings.count('argus_node_shard_conflicts_total', 'Appends for which another node was faster.', conflicts, of);
  }
}

function setChain(readings: Readings, { chain, bitcoind, zmq = [] }: NodeReport, blockTime: number | undefined): void {
  const isLevel = bitcoind.height !== null && bitcoind.height === chain.height;
  const mined = blockTime ?? (isLevel ? bitcoind.block_time : undefined);
  const age = typeof mined === 'number' ? Math.max(0, Date.now() / 1000 - mined) : undefined;
  const lag = bitcoind.height === null || chain.height === null ? undefined : bitcoind.height - chain.height;
  readings.set('argus_chain_height', 'Height of the best chain on the log.', chain.height);
  readings.set('argus_chain_last_block_age_seconds', "Since the newest block of the log, by its header's time.", age);
  readings.set('argus_chain_lag_blocks', "Blocks that the node's bitcoind has and the log has not.", lag);
  readings.set('argus_chain_commits_behind', 'Commits of CHAIN not folded yet.', behind(chain));
  readings.set('argus_bitcoind_reachable', "Whether the node's bitcoind answers.", bitcoind.reachable);
  readings.set('argus_bitcoind_height', "Height of the node's bitcoind.", bitcoind.height);
  readings.set('argus_bitcoind_peers', "Peers of the node's bitcoind.", bitcoind.peers);
  for (const { topic, connected, silent_seconds: silent } of zmq) {
    readings.set('argus_zmq_connected', 'Whether the node is connected to what publishes the topic.', connected, {
      topic,
    });
    readings.set('argus_zmq_silent_seconds', 'Since something was published there.', silent, { topic });
  }
}

function setTower(readings: Readings, count: number, { unserved_shards: unserved, shards }: Info): void {
  readings.set('argus_unserved_shards', 'Shards that no node serves: nobody watches for their users.', unserved.length);
  for (let shard = 0; shard < count; shard++)
    readings.set('argus_shard_served', 'Whether any node serves the shard.', !unserved.includes(shard), {
      shard: String(shard),
    });
  for (const { shard, scanned_height: scanned, waiting = {}, ...held } of shards) {
    const { users, watched_appointments, trackers, stuck_trackers } = held;
    const of = { shard: String(shard) };
    readings.set('argus_shard_scanned_height', 'Height up to which all breaches are on the log.', scanned, of);
    readings.set('argus_shard_users', 'Users with a subscription.', users, of);
    readings.set('argus_shard_appointments', 'Appointments that wait for a breach.', watched_appointments, of);
    readings.set('argus_shard_trackers', 'Breaches being answered.', trackers, of);
    readings.set('argus_shard_stuck_trackers', 'Breaches whose penalty cannot be mined as it is.', stuck_trackers, of);
    for (const [waits_for, { trackers: count, oldest_blocks: age }] of Object.entries(waiting)) {
      const which = { ...of, waits_for };
      readings.set('argus_shard_waiting_trackers', 'Breaches being answered, by what they wait for.', count, which);
      readings.set('argus_shard_waiting_oldest_blocks', 'Blocks that the oldest of them has waited so.', age, which);
    }
  }
}

/** How far what is folded is behind the log; undefined where that is not known. */
const behind = ({ position, tail }: { position: number | null; tail: number | null }): number | undefined =>
  position === null || tail === null ? undefined : Math.max(0, tail - position);
