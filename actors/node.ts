import { setMaxListeners } from 'node:events';
import type { NatsConnection } from 'nats';
import type { ChainCommit } from '../events/commit.js';
import type { Shard as ShardId } from '../events/ids.js';
import { BlobStore } from '../events/log/blobs.js';
import type { EnsuredLog } from '../events/log/ensure-streams.js';
import { EventLog } from '../events/log/log.js';
import { CHAIN } from '../events/log/streams.js';
import { secp256k1 } from '../events/signing/secp256k1.js';
import type { BlockWindow } from '../projections/block-window.js';
import { Fold } from '../projections/fold.js';
import type { ShardState } from '../projections/shard-state.js';
import { heldAppointments, registeredUsers } from '../projections/tower-info.js';
import { BitcoindSide } from './bitcoind-side.js';
import type { Block } from './chain-monitor/block-source.js';
import { termsOf } from './config-limits.js';
import { Doors } from './doors.js';
import { Identities } from './identities.js';
import { Meters } from './metrics/meters.js';
import { connectPatiently, ensureStreamsPatiently, flushPatiently, watchConnection } from './nats-connection.js';
import type { NodeOptions, Signatures } from './node-options.js';
import { Notaries } from './notary/notaries.js';
import { PolicySide } from './policy-side.js';
import { ownInfo, publicInfo } from './public-info.js';
import { ranges } from './ranges.js';
import { Drill } from './responder/drill.js';
import { Precedence } from './runtime/precedence.js';
import { why } from './runtime/why.js';
import { ServedShards } from './served-shards.js';
import { type Settled, settled } from './settled.js';
import { Shard, type ShardNeeds } from './shard.js';
import { signaturesOf } from './signatures/signatures-of.js';
import { type Begun, Snapshots } from './snapshots/snapshots.js';
import { version } from './version.js';
import type { InfoAnswer } from './wire.js';

/**
 * One node of the tower: the composition root, where every actor gets what it needs.
 *
 * Nodes are equal. Any number of them serve one log, each with a bitcoind of its own if its operator wishes.
 */
export class TowerNode {
  readonly #stopping = new AbortController();
  readonly #shards: ServedShards;
  readonly #doors: Doors;
  #gaveUp = false;
  #connected = true;
  #isOpen = false;

  /**
   * Starts a node; resolves when it is level with the log and answers clients. Rejects with `ConfigError` for shards that are
   * not there, and for files that cannot be read.
   */
  static async start(options: NodeOptions): Promise<TowerNode> {
    const { network, log, node: name } = options.config;
    const { natsUrl: servers, natsSeed: seed, natsTrust: trust, logger } = options;
    const nc = await connectPatiently({ servers, seed, trust, name: `argus ${name}` }, logger);
    const { towerId } = options.key;
    let node: TowerNode | undefined;
    try {
      const wish = { network, towerId, shards: log.shards, replicas: log.replicas };
      const streams = await ensureStreamsPatiently(nc, wish, logger);
      // What settings may be wrong about is found out before there is anything that would have to be ended.
      const settings = settled(options.config, streams.layout.shards);
      const events = await EventLog.open(nc, { seed });
      const snapshots = new Snapshots(options, events);
      node = new TowerNode(options, settings, nc, events, streams, snapshots, await snapshots.chain());
      await node.#begin();
      return node;
    } catch (error) {
      await (node?.stop() ?? nc.close());
      throw error;
    }
  }

  readonly chain: Fold<ChainCommit, BlockWindow>;
  readonly #bitcoind: BitcoindSide;
  readonly #policy: PolicySide;
  readonly #blobs: BlobStore;
  readonly #signatures: Signatures;
  readonly #notaries: Notaries;
  readonly #drill = new Drill();
  readonly #meters = new Meters();
  readonly #identities: Identities;
  /** Blocks and breaches go before clients. */
  readonly #precedence = new Precedence();

  private constructor(
    private readonly options: NodeOptions,
    { serves, tls }: Settled,
    private readonly nc: NatsConnection,
    private readonly log: EventLog,
    private readonly streams: EnsuredLog,
    private readonly snapshots: Snapshots,
    private readonly begun: Begun<BlockWindow>,
  ) {
    const { config, logger } = options;
    const { layout } = streams;
    const window = begun.state;
    const giveUp = (error: Error) => this.#giveUp(error);
    this.#blobs = new BlobStore(log);
    setMaxListeners(0, this.#stopping.signal); // everything that waits for a while also waits for this
    this.chain = new Fold<ChainCommit, BlockWindow>(log, CHAIN, 0 as ShardId, window, (error) => {
      begun.failed();
      giveUp(error);
    });
    this.#policy = new PolicySide({ log, config, giveUp, logger });
    this.#bitcoind = new BitcoindSide({
      config,
      log,
      chain: this.chain,
      seen: (hash) => this.#meters.blockSeen(hash),
      announced: () => this.#drill.practise(),
      precedence: this.#precedence,
      found: (block: Block) => Promise.all(this.#shards.running.map((shard) => shard.blockFound(block))),
      restarted: () => {
        for (const shard of this.#shards.running) shard.bitcoindRestarted();
      },
      stopping: this.#stopping.signal,
      giveUp,
      logger,
    });
    this.#signatures = options.signatures ?? signaturesOf(options);
    this.#identities = new Identities(options.key, window, logger);
    this.#notaries = new Notaries(log, options, () => window.successions);
    this.#shards = new ServedShards({
      numbers: serves,
      start: (...started) => this.#startShard(...started),
      serve: (shard) => this.#doors.serve(shard),
      logger,
      giveUp,
    });
    this.#doors = new Doors({
      nc,
      options,
      tls,
      log,
      layout,
      rpc: this.#bitcoind.rpc,
      zmq: () => this.#bitcoind.zmq,
      meters: this.#meters,
      shards: this.#shards,
      blob: (shard, ref) => this.#blobs.get(shard, ref),
      recover: (message, signature) => this.#signatures.recover(message, signature),
      prover: this.#notaries.prover,
      doorkeeper: this.#policy.doorkeeper,
      limits: this.#policy.limits,
      isAble: () => this.#connected && this.#shards.running.length > 0 && window.tip !== undefined,
      precedence: this.#precedence,
      isConnected: () => this.#connected,
      state: () => this.#state(),
      chain: this.chain,
      snapshots,
      publicInfo: () => this.publicInfo(),
      about: () => this.#about(),
      logger,
    });
  }

  #state(): 'replaying' | 'ready' | 'stopping' {
    if (this.#stopping.signal.aborted) return 'stopping';
    return this.#isOpen && this.#shards.running.length === this.#shards.numbers.length ? 'ready' : 'replaying';
  }

  /** Where TEOS clients reach this node: `http://127.0.0.1:9814`. */
  get httpUrls(): readonly string[] {
    return this.#doors.httpUrls;
  }

  /** Where Prometheus reads this node's metrics, if anywhere: `http://127.0.0.1:9815`. */
  get metricsUrl(): string | undefined {
    return this.#doors.metricsUrl;
  }

  /** Where the operator's page of this node is, if it is shown: `http://127.0.0.1:9816`. */
  get webUrl(): string | undefined {
    return this.#doors.webUrl;
  }

  /** The folded state of each shard that is running, in the order of their numbers. */
  get shards(): readonly ShardState[] {
    return this.#shards.running.map(({ fold }) => fold.state);
  }

  /** The blocks in a shard's locator cache, lowest first. */
  recentBlocks(shard: number) {
    return this.#shards.get(shard as ShardId)?.locatorCache.blocks ?? [];
  }

  /** Takes no more requests, answers those under way, and stops acting. */
  async stop(): Promise<void> {
    await this.#doors.close();
    this.snapshots.stop();
    this.#stopping.abort();
    await this.#bitcoind.stop();
    await this.#shards.stop();
    await this.#notaries.stop();
    this.#policy.stop();
    this.chain.stop();
    await this.#doors.closeDesk();
    await this.#signatures.stop();
    await this.nc.close();
  }

  async #begin(): Promise<void> {
    const { logger } = this.options;
    logger.info(
      { tower: this.options.key.towerId, version, server: this.nc.info?.version, secp256k1: secp256k1.name },
      'node starts',
    );
    void this.nc.closed().then((error) => {
      if (!this.#stopping.signal.aborted) this.#giveUp(error ?? new Error('the connection to NATS was closed'));
    });
    void watchConnection(this.nc, logger, (there) => {
      this.#connected = there;
      this.#doors.review();
    });
    await this.#doors.openDesk();
    this.chain.on('waiting', (error) => logger.warn(why(error), 'waiting for the chain on the log'));
    await Promise.all([this.chain.level(), this.#policy.level()]);
    this.begun.level();
    this.#drill.begin();
    this.#identities.review();
    this.chain.on('folded', () => this.#identities.review());
    this.#bitcoind.start();
    await this.#shards.start();
    if (this.#gaveUp) return;
    this.snapshots.watch(this.chain.state, () => this.#shards.states);
    await this.#openDoors();
    const [height, seconds] = [this.chain.state.tip?.height, this.snapshots.startSeconds];
    logger.info({ shards: ranges(this.#shards.numbers), height, seconds }, 'node is level with the log');
  }

  #startShard(shard: ShardId, fail: (error: Error) => void, replaying: (state: ShardState) => void): Promise<Shard> {
    const { config, logger } = this.options;
    const needs: ShardNeeds = {
      shard,
      node: config.node,
      log: this.log,
      blobs: this.#blobs,
      chain: this.chain,
      txids: this.#bitcoind.txids,
      carrier: this.#bitcoind.carrier,
      mempool: this.#bitcoind.mempool,
      sign: (receipt, identity) => this.#signatures.sign(receipt, identity),
      identity: () => this.#identities.forNewcomers,
      terms: termsOf(config.subscription, this.#policy.limits),
      locatorCacheSize: config.locatorCacheSize,
      held: () => heldAppointments(this.shards),
      users: () => registeredUsers(this.shards),
      admit: (applicant) => this.#policy.doorkeeper.admit(applicant),
      notary: (...shown) => this.#notaries.of(...shown),
      meter: this.#meters,
      stopping: this.#stopping.signal,
      logger,
    };
    return this.snapshots.shard(shard, fail, (state, fail) => Shard.start({ ...needs, state }, fail, replaying));
  }

  async #openDoors(): Promise<void> {
    this.chain.once('folded', () => this.#doors.review());
    await this.#doors.open();
    await flushPatiently(this.nc);
    this.#isOpen = true;
  }

  /** What anybody may know of the tower. */
  publicInfo(): InfoAnswer {
    const { tip, successions } = this.chain.state;
    return publicInfo(this.options.config, this.#identities.last, tip?.height, successions);
  }

  /** What the operator sees of the tower at a glance. */
  info(): Promise<object> {
    return this.#doors.info();
  }

  /** What of that is this node's own. */
  #about(): object {
    const tip = this.chain.state.tip?.hash;
    const server = this.nc.info?.version;
    const isKeyMissing = this.#identities.missing.length > 0;
    const { drift } = this.streams;
    return ownInfo(this.options.config, this.publicInfo(), this.#bitcoind, { tip, server, isKeyMissing, drift });
  }

  #giveUp(error: Error): void {
    if (this.#gaveUp) return;
    this.#gaveUp = true;
    this.options.giveUp(error);
  }
}
