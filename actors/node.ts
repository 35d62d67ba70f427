import { setMaxListeners } from 'node:events';
import type { NatsConnection } from 'nats';
import type { ChainCommit } from '../events/commit.js';
import type { Shard as ShardId, UserId } from '../events/ids.js';
import { BlobStore } from '../events/log/blobs.js';
import { EventLog } from '../events/log/log.js';
import { CHAIN } from '../events/log/streams.js';
import { TxidStore } from '../events/log/txids.js';
import { secp256k1 } from '../events/signing/secp256k1.js';
import { BlockWindow } from '../projections/block-window.js';
import { Fold } from '../projections/fold.js';
import type { ShardState } from '../projections/shard-state.js';
import { heldAppointments, towerNumbers } from '../projections/tower-info.js';
import { stuckTrackers } from '../projections/waiting.js';
import { BitcoindRpc } from './bitcoind/rpc.js';
import { BlockTxids } from './block-txids.js';
import { Carrier } from './carrier/carrier.js';
import { BlockSignal } from './chain-monitor/block-signal.js';
import { BlockSource } from './chain-monitor/block-source.js';
import { ChainMonitor } from './chain-monitor/chain-monitor.js';
import { MissingBlocks } from './chain-monitor/missing-block.js';
import { Doors } from './doors.js';
import { Mempool } from './mempool-watch/mempool.js';
import { MempoolWatch } from './mempool-watch/mempool-watch.js';
import { connectPatiently, ensureStreamsPatiently, flushPatiently, watchConnection } from './nats-connection.js';
import type { NodeOptions } from './node-options.js';
import { shardNumbers } from './operator-desk/shard-numbers.js';
import { publicInfo } from './public-info.js';
import { type Running, Supervisor } from './runtime/supervisor.js';
import { why } from './runtime/why.js';
import { Shard, shardOf } from './shard.js';
import { version } from './version.js';
import type { InfoAnswer } from './wire.js';

/**
 * One node of the tower: the composition root, where every actor gets what it needs.
 *
 * Nodes are equal. Any number of them serve one log, each with a bitcoind of its own if its operator wishes.
 */
export class TowerNode {
  readonly #stopping = new AbortController();
  readonly #shards = new Map<ShardId, Shard>();
  readonly #supervisors: Supervisor[] = [];
  #gaveUp = false;
  #doors: Doors | undefined;
  #connected = true;

  /** Starts a node; resolves when it is level with the log and answers clients. */
  static async start(options: NodeOptions): Promise<TowerNode> {
    const { network, log, node: name } = options.config;
    const { natsUrl: servers, natsSeed: seed, logger } = options;
    const nc = await connectPatiently({ servers, seed, name: `argus ${name}` }, logger);
    const { towerId } = options.key;
    let node: TowerNode | undefined;
    try {
      const layout = { network, towerId, shards: log.shards, replicas: log.replicas };
      await ensureStreamsPatiently(nc, layout, logger);
      node = new TowerNode(options, nc, await EventLog.open(nc));
      await node.#begin();
      return node;
    } catch (error) {
      await (node?.stop() ?? nc.close());
      throw error;
    }
  }

  readonly chain: Fold<ChainCommit, BlockWindow>;
  readonly #txids: BlockTxids;
  readonly #blocks: BlockSource;
  readonly #carrier: Carrier;
  readonly #blobs: BlobStore;
  readonly #mempool = new Mempool();
  readonly #mempoolWatch: MempoolWatch;
  #monitor: ChainMonitor | undefined;

  private constructor(
    private readonly options: NodeOptions,
    private readonly nc: NatsConnection,
    private readonly log: EventLog,
  ) {
    const { bitcoind } = options.config;
    const rpc = new BitcoindRpc(bitcoind);
    this.#blocks = new BlockSource(rpc);
    this.#carrier = new Carrier(rpc);
    this.#blobs = new BlobStore(log);
    this.chain = new Fold<ChainCommit, BlockWindow>(log, CHAIN, 0 as ShardId, new BlockWindow(), (error) =>
      this.#giveUp(error),
    );
    setMaxListeners(0, this.#stopping.signal); // everything that waits for a while also waits for this
    const missing = new MissingBlocks(this.#blocks, this.#stopping.signal);
    this.#txids = new BlockTxids(
      new TxidStore(log),
      (hash) => missing.txids(hash),
      (block, error) =>
        options.logger.warn({ ...why(error), height: block.height }, 'waiting for the txids of a block'),
      this.#stopping.signal,
    );
    this.#mempoolWatch = new MempoolWatch({
      zmqUrl: bitcoind.zmqSequence,
      pollMs: bitcoind.pollSeconds * 1000,
      rpc,
      mempool: this.#mempool,
      chain: this.chain,
      txids: (block) => this.#txids.of(block),
      log: options.logger.child({ actor: 'mempool-watch' }),
    });
  }

  /** Where TEOS clients reach this node: `http://127.0.0.1:9814`. */
  get httpUrls(): readonly string[] {
    return this.#doors?.httpUrls ?? [];
  }

  /** The folded state of each shard that is running, in the order of their numbers. */
  get shards(): readonly ShardState[] {
    return this.#inOrder().map(([, { fold }]) => fold.state);
  }

  #inOrder(): [ShardId, Shard][] {
    return Array.from(this.#shards).sort(([a], [b]) => a - b);
  }

  /** The blocks in a shard's locator cache, lowest first. */
  recentBlocks(shard: number) {
    return this.#shards.get(shard as ShardId)?.locatorCache.blocks ?? [];
  }

  /** Takes no more requests, answers those under way, and stops acting. */
  async stop(): Promise<void> {
    await this.#doors?.close();
    this.#stopping.abort();
    this.#mempoolWatch.stop();
    for (const supervisor of this.#supervisors) await supervisor.stop();
    this.chain.stop();
    await this.nc.close();
  }

  async #begin(): Promise<void> {
    const { config, logger } = this.options;
    logger.info(
      { tower: this.options.key.towerId, version, server: this.nc.info?.version, secp256k1: secp256k1.name },
      'node starts',
    );
    void this.nc.closed().then((error) => {
      if (!this.#stopping.signal.aborted) this.#giveUp(error ?? new Error('the connection to NATS was closed'));
    });
    void watchConnection(this.nc, logger, (there) => {
      this.#connected = there;
      this.#doors?.review();
    });
    this.chain.on('waiting', (error) => logger.warn(why(error), 'waiting for the chain on the log'));
    await this.chain.level();
    void this.#supervise('chain-monitor', (fail) => this.#startMonitor(fail));
    this.#mempoolWatch.start();
    const shards = Array.from({ length: config.log.shards }, (_, shard) => shard as ShardId);
    await Promise.all(
      shards.map((shard) => this.#supervise(`shard ${shard}`, (fail) => this.#startShard(shard, fail))),
    );
    if (this.#gaveUp) return;
    await this.#openDoors();
    logger.info({ shards: shards.length, height: this.chain.state.tip?.height }, 'node is level with the log');
  }

  #supervise(name: string, start: (fail: (error: Error) => void) => Promise<Running>): Promise<void> {
    const supervisor = new Supervisor({ name, start }, this.options.logger, (error) => this.#giveUp(error));
    this.#supervisors.push(supervisor);
    return supervisor.start();
  }

  async #startMonitor(fail: (error: Error) => void): Promise<Running> {
    const { config, logger } = this.options;
    const monitor = new ChainMonitor({
      network: config.network,
      node: config.node,
      fold: this.chain,
      log: this.log,
      blocks: this.#blocks,
      txids: this.#txids,
      firstBlocks: FIRST_BLOCKS,
      found: (block) => {
        for (const shard of this.#shards.values()) shard.blockFound(block);
      },
      restarted: () => {
        for (const shard of this.#shards.values()) shard.bitcoindRestarted();
      },
      stopping: this.#stopping.signal,
      logger: logger.child({ actor: 'chain-monitor' }),
    });
    const signal = new BlockSignal((announced) => monitor.wake(announced), {
      zmqUrl: config.bitcoind.zmqHashblock,
      pollMs: config.bitcoind.pollSeconds * 1000,
      log: logger,
    });
    this.#monitor = monitor;
    signal.start();
    const done = monitor.run().catch(fail);
    const stop = async () => {
      signal.stop();
      monitor.stop();
      await done;
    };
    return { stop };
  }

  async #startShard(shard: ShardId, fail: (error: Error) => void): Promise<Running> {
    const { config, key, logger } = this.options;
    const { subscription, limits } = config;
    const running = await Shard.start(
      {
        shard,
        node: config.node,
        log: this.log,
        blobs: this.#blobs,
        chain: this.chain,
        txids: this.#txids,
        carrier: this.#carrier,
        mempool: this.#mempool,
        sign: key.sign,
        terms: { ...subscription, maxAppointments: limits.maxAppointments },
        locatorCacheSize: config.locatorCacheSize,
        held: () => heldAppointments(this.shards),
        stopping: this.#stopping.signal,
        logger,
      },
      fail,
    );
    this.#shards.set(shard, running);
    const stop = async () => {
      this.#shards.delete(shard);
      await running.stop();
    };
    return { stop };
  }

  async #openDoors(): Promise<void> {
    const { config, logger } = this.options;
    const shardOfUser = (userId: UserId) => this.#shards.get(shardOf(userId, config.log.shards));
    const doors = new Doors({
      nc: this.nc,
      config,
      patience: this.options.patience,
      shardOf: shardOfUser,
      blob: (userId, ref) => this.#blobs.get(shardOf(userId, config.log.shards), ref),
      isAble: () => this.#connected && this.#shards.size > 0 && this.chain.state.tip !== undefined,
      logger,
      publicInfo: () => this.publicInfo(),
      info: () => this.info(),
      shards: () => this.shards,
      states: () => this.#inOrder().map(([shard, { fold }]) => [shard, fold.state] as const),
      chain: () => this.chain.state,
      height: () => this.chain.state.tip?.height,
    });
    this.#doors = doors;
    this.chain.once('folded', () => doors.review());
    await doors.open();
    await flushPatiently(this.nc);
  }

  /** What anybody may know of the tower. */
  publicInfo(): InfoAnswer {
    const { config, key } = this.options;
    return publicInfo(config, key.towerId, this.chain.state.tip?.height);
  }

  /** What the operator sees at a glance. */
  info(): object {
    const { config } = this.options;
    const { users, watched, trackers } = towerNumbers(this.shards);
    return {
      ...this.publicInfo(),
      node: config.node,
      tip: this.chain.state.tip?.hash ?? null,
      bitcoind_reachable: this.#monitor?.bitcoindReachable ?? false,
      mempool_transactions: config.bitcoind.zmqSequence === undefined ? null : this.#mempool.size,
      nats_server: this.nc.info?.version ?? null,
      users,
      watched_appointments: watched,
      trackers,
      stuck_trackers: stuckTrackers(this.shards, this.chain.state.tip?.height),
      max_appointments: config.limits.maxAppointments,
      shards: this.#inOrder().map(([shard, { fold }]) => shardNumbers(shard, fold.state, this.chain.state)),
    };
  }

  #giveUp(error: Error): void {
    if (this.#gaveUp) return;
    this.#gaveUp = true;
    this.options.giveUp(error);
  }
}

/** How many blocks before bitcoind's tip a new log begins: as deep as a penalty has to be buried. */
const FIRST_BLOCKS = 100;
