import type { NatsConnection } from 'nats';
import type { Logger } from 'pino';
import type { ChainCommit } from '../events/commit.js';
import type { Locator, Shard as ShardId, UserId } from '../events/ids.js';
import type { EventLog } from '../events/log/log.js';
import type { LogLayout } from '../events/log/streams.js';
import type { BlobRef } from '../events/user.js';
import type { BlockWindow } from '../projections/block-window.js';
import type { Fold } from '../projections/fold.js';
import type { AuditDesk } from './audit-desk/audit-desk.js';
import { doorThreadOf } from './client-doors.js';
import type { NodeReport, ZmqReport } from './cluster-wire.js';
import type { Limits } from './config-limits.js';
import { Duty } from './duty.js';
import { placeAppointment } from './gatekeeper/shown.js';
import type { Answer } from './gateway/answers.js';
import type { DoorThread } from './gateway/door-thread.js';
import { Gateway, type GatewayNeeds, type Request } from './gateway/gateway.js';
import { RateLimiter } from './gateway/rate-limiter.js';
import { RequestLog } from './gateway/request-log.js';
import { RequestRelay } from './gateway/request-relay.js';
import { Standstill } from './gateway/standstill.js';
import { Turnstile } from './gateway/turnstile.js';
import type { Meters } from './metrics/meters.js';
import type { MetricsDoor } from './metrics/metrics-door.js';
import { auditDeskOf, logDeskOf, metricsDoorOf, nodeDeskOf, reporterOf, webSideOf } from './node-desks.js';
import type { NodeOptions } from './node-options.js';
import type { AskedProof, Prover } from './notary/prover.js';
import type { Rpc } from './operator-desk/bitcoind-report.js';
import type { LogDesk } from './operator-desk/log-desk.js';
import type { NodeDesk } from './operator-desk/node-desk.js';
import type { SnapshotsView } from './operator-desk/node-report.js';
import { OperatorDesk } from './operator-desk/operator-desk.js';
import { type DoorkeeperFace, PolicyDesk } from './operator-desk/policy-desk.js';
import { ShardDesk } from './operator-desk/shard-desk.js';
import type { Proven, Refusal } from './outcomes.js';
import type { Precedence } from './runtime/precedence.js';
import { type Served, ShardRelay } from './runtime/shard-relay.js';
import type { ServedShards } from './served-shards.js';
import { shardOf } from './shard.js';
import { StateDesk } from './state-desk/state-desk.js';
import type { Tls } from './tls.js';
import { version } from './version.js';
import type { WebSide } from './web-side.js';
import type { InfoAnswer } from './wire.js';

/** The ways into one node: for clients over NATS and over HTTP, for the operator and for other nodes over NATS. */
export class Doors {
  readonly #turnstile: Turnstile;
  readonly #requests: RequestRelay;
  readonly #standstill: Standstill;
  readonly #duty: Duty;
  readonly #thread: DoorThread;
  readonly #shardDesk: ShardDesk;
  readonly #desk: OperatorDesk;
  readonly #policyDesk: PolicyDesk;
  readonly #nodeDesk: NodeDesk;
  readonly #auditDesk: AuditDesk;
  readonly #logDesk: LogDesk;
  readonly #metrics: MetricsDoor | undefined;
  readonly #web: WebSide | undefined;
  readonly #stateDesk: StateDesk;
  /** Ends what other nodes may ask of each shard. */
  readonly #served = new Map<ShardId, Served>();

  constructor(private readonly needs: DoorsNeeds) {
    const { nc, options, logger, shards } = needs;
    const { config } = options;
    const { shards: towerShards } = needs.layout;
    const log = logger.child({ actor: 'gateway' });
    const shardIdOf = (userId: UserId) => shardOf(userId, towerShards);
    const relay = new ShardRelay(nc, logger.child({ actor: 'relay' }));
    this.#requests = new RequestRelay(relay);
    this.#standstill = new Standstill(() => nc.flush(), log);
    const gateway = new Gateway({
      recover: needs.recover,
      gatekeeper: (userId) => shards.get(shardIdOf(userId))?.gatekeeper,
      passOn: (userId, request) => this.#passOn(shardIdOf(userId), request),
      dialectOf: (userId) => {
        const state = shards.get(shardIdOf(userId))?.fold.state.user(userId).state;
        return state?.status === 'registered' ? state.dialect : undefined;
      },
      blob: (userId, ref) => needs.blob(shardIdOf(userId), ref),
      prove: (userId, ...asked) => this.#prove(shardIdOf(userId), userId, ...asked),
      isLate: () => this.#standstill.isRecent,
      limiter: new RateLimiter(needs.limits),
      limits: needs.limits,
      requests: new RequestLog(log, needs.meters),
      log,
    });
    this.#turnstile = new Turnstile(gateway, needs.precedence);
    this.#duty = new Duty({ shut: () => this.#shut(), open: () => this.#reopen(), stop: options.stop ?? (() => {}) });
    this.#thread = doorThreadOf(needs, { turnstile: this.#turnstile, duty: this.#duty, log });
    this.#shardDesk = new ShardDesk({ relay, chain: needs.chain.state, local: (shard) => shards.get(shard) });
    this.#desk = new OperatorDesk(nc, {
      version,
      shards: towerShards,
      shardOf: shardIdOf,
      desk: this.#shardDesk,
      about: needs.about,
      log: logger.child({ actor: 'operator-desk' }),
    });
    this.#policyDesk = new PolicyDesk(nc, {
      version,
      doorkeeper: needs.doorkeeper,
      height: () => needs.chain.state.tip?.height,
      log: logger.child({ actor: 'operator-desk' }),
    });
    this.#auditDesk = auditDeskOf(needs);
    const reporter = reporterOf(needs, this.#duty);
    this.#logDesk = logDeskOf(needs);
    this.#nodeDesk = nodeDeskOf(needs, reporter, this.#duty);
    this.#metrics = metricsDoorOf(needs, reporter, this.#desk, this.#duty);
    this.#web = webSideOf(needs, reporter, this.#desk);
    this.#stateDesk = new StateDesk(nc, {
      node: config.node,
      version,
      chain: () => needs.chain.state,
      shards: () => shards.states,
    });
  }

  /** Lets clients connect, and the operator and Prometheus ask how this node is, long before it is ready for anything else. */
  async openDesk(): Promise<void> {
    this.#thread.start();
    await Promise.all([
      this.#nodeDesk.open(),
      this.#auditDesk.open(),
      this.#logDesk.open(),
      this.#metrics?.open(),
      this.#web?.open(),
    ]);
  }

  async closeDesk(): Promise<void> {
    await Promise.all([this.#nodeDesk.close(), this.#auditDesk.close(), this.#metrics?.close(), this.#web?.close()]);
  }

  /** Where Prometheus reads the metrics, if anywhere: `http://127.0.0.1:9815`. */
  get metricsUrl(): string | undefined {
    return this.#metrics?.url;
  }

  /** Where the operator's page is, if it is shown: `http://127.0.0.1:9816`. */
  get webUrl(): string | undefined {
    return this.#web?.url;
  }

  /** Rejects with `ListenError` if an HTTP door cannot listen on its address. */
  async open(): Promise<void> {
    this.#web?.watchChain(this.needs.chain);
    const desks = [this.#desk, this.#policyDesk, this.#stateDesk, this.#logDesk];
    await Promise.all([this.#thread, ...desks].map((door) => door.open()));
  }

  get httpUrls(): readonly string[] {
    return this.#thread.httpUrls;
  }

  /** From now on other nodes may ask about a shard that runs here. Call what is returned to end that. */
  serve(shard: ShardId): Served {
    const ends = [this.#requests.serve(shard, this.#turnstile), this.#shardDesk.serve(shard)];
    const fold = this.needs.shards.get(shard)?.fold;
    if (fold && this.#web) ends.push(this.#web.watchShard(shard, fold));
    const end = async () => {
      await Promise.all(ends.map((each) => each()));
    };
    this.#served.set(shard, end);
    return end;
  }

  /** The tower became able or unable to accept: the HTTP doors need not find out by themselves. */
  review(): void {
    this.#thread.review();
  }

  /** Clients are sent to the other nodes: over NATS they answer, over HTTP and for shards that nobody else serves it is said to come again. */
  async #shut(): Promise<void> {
    await Promise.all([this.#thread.turned(), this.#requests.shut()]);
  }

  async #reopen(): Promise<void> {
    this.#requests.open();
    await this.#thread.turned();
  }

  /** What the operator sees of the tower at a glance. */
  info(): Promise<object> {
    return this.#desk.info();
  }

  /** Takes no more requests, and resolves when those under way are answered. */
  async close(): Promise<void> {
    const served = Array.from(this.#served.values(), (end) => end());
    await Promise.all([this.#thread.close(), ...served]);
    this.#standstill.stop();
    await Promise.all([this.#desk, this.#policyDesk, this.#stateDesk, this.#logDesk].map((desk) => desk.close()));
  }

  async #prove(shard: ShardId, userId: UserId, locator: Locator, asked: AskedProof): Promise<Proven | Refusal> {
    const { shards, chain, prover } = this.needs;
    const running = shards.get(shard);
    if (!running) return { kind: 'proof-unavailable' };
    const placed = placeAppointment({ fold: running.fold, chain }, userId, locator);
    return placed.kind === 'placed' ? prover.prove(shard, placed.position, asked) : placed;
  }

  async #passOn(shard: ShardId, request: Request): Promise<Answer | Refusal> {
    const answer = await this.#requests.pass(shard, request);
    // What this node is to serve, and no other does, is only being made anew.
    const isOurs = 'kind' in answer && answer.kind === 'shard-not-served' && this.needs.shards.numbers.includes(shard);
    return isOurs ? { kind: 'unavailable', why: `shard ${shard} is not level with the log yet` } : answer;
  }
}

export interface DoorsNeeds {
  readonly nc: NatsConnection;
  readonly options: NodeOptions;
  readonly tls: Tls | undefined;
  readonly log: EventLog;
  readonly layout: LogLayout;
  /** The node's bitcoind. */
  readonly rpc: Rpc;
  readonly zmq: () => readonly ZmqReport[];
  readonly meters: Meters;
  /** The shards that this node serves. */
  readonly shards: ServedShards;
  readonly blob: (shard: ShardId, ref: BlobRef) => Promise<Uint8Array | undefined>;
  readonly recover: GatewayNeeds['recover'];
  readonly prover: Pick<Prover, 'prove'>;
  readonly doorkeeper: DoorkeeperFace;
  /** How much this node takes, as that is at any time. */
  readonly limits: Limits;
  /** Whether the tower can accept appointments now, as far as it knows. */
  readonly isAble: () => boolean;
  /** What goes before clients' requests. */
  readonly precedence: Precedence;
  /** Whether the node has a NATS server now, and how far it is with what it serves. */
  readonly isConnected: () => boolean;
  readonly state: () => NodeReport['state'];
  readonly chain: Fold<ChainCommit, BlockWindow>;
  readonly snapshots: SnapshotsView;
  readonly publicInfo: () => InfoAnswer;
  /** What this node says of itself to the operator. */
  readonly about: () => object;
  readonly logger: Logger;
}
