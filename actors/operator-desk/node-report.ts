import { statfs } from 'node:fs/promises';
import type { Position, Shard } from '../../events/ids.js';
import { CHAIN, towerStream } from '../../events/log/streams.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { NodeReport, ZmqReport } from '../cluster-wire.js';
import type { Duty } from '../duty.js';
import { inTime } from '../runtime/in-time.js';
import type { ServedShards } from '../served-shards.js';
import { BitcoindInquiry, type Rpc } from './bitcoind-report.js';

/** What a node tells of itself: how far it is, by its own state and by the log, and how its bitcoind is. */
export class NodeReporter {
  readonly #started = performance.now();
  readonly #bitcoind: BitcoindInquiry;

  constructor(private readonly needs: NodeReporterNeeds) {
    this.#bitcoind = new BitcoindInquiry(needs.rpc);
  }

  async report(): Promise<NodeReport> {
    const { node, version, towerShards, chain } = this.needs;
    const tip = chain.tip;
    const [bitcoind, disk, tail, ...shards] = await Promise.all([
      this.#bitcoind.report(),
      this.#disk(),
      this.#tail(CHAIN),
      ...this.needs.shards.numbers.map((shard) => this.#shard(shard)),
    ]);
    return {
      node,
      version,
      state: this.needs.duty.isStopping ? 'stopping' : this.needs.state(),
      uptime_seconds: Math.floor((performance.now() - this.#started) / 1000),
      start_seconds: this.needs.snapshots.startSeconds ?? null,
      nats_server: this.needs.natsServer() ?? null,
      tower_shards: towerShards,
      shards,
      chain: {
        position: chain.position,
        tail,
        height: tip?.height ?? null,
        hash: tip?.hash ?? null,
        snapshot_position: this.needs.snapshots.position(CHAIN) ?? null,
      },
      bitcoind,
      zmq: [...this.needs.zmq()],
      draining: this.needs.duty.isDraining,
      requests_under_way: this.needs.requestsUnderWay(),
      limits: this.needs.limits(),
      disk,
    };
  }

  async #shard(shard: Shard): Promise<NodeReport['shards'][number]> {
    const tail = await this.#tail(towerStream(shard));
    const { chain, shards: served, snapshots } = this.needs;
    const state = served.folded(shard);
    const running = served.get(shard);
    return {
      shard,
      state: running ? 'ready' : 'replaying',
      position: state?.position ?? null,
      tail,
      scanned_height: state?.scans.highestOn(chain)?.height ?? null,
      ...running?.appends,
      snapshot_position: snapshots.position(towerStream(shard)) ?? null,
    };
  }

  async #disk(): Promise<NonNullable<NodeReport['disk']> | null> {
    const found = await inTime(statfs(this.needs.data), LOG_MS);
    return found ? { free_bytes: found.bavail * found.bsize, size_bytes: found.blocks * found.bsize } : null;
  }

  async #tail(stream: string): Promise<Position | null> {
    return (await inTime(this.needs.tail(stream), LOG_MS)) ?? null;
  }
}

/** How long the log may take to say how long it is, in ms. */
const LOG_MS = 2_000;

export interface NodeReporterNeeds {
  readonly node: string;
  readonly version: string;
  /** How many shards the tower has, and those that this node is to serve. */
  readonly towerShards: number;
  readonly shards: Pick<ServedShards, 'numbers' | 'get' | 'folded'>;
  readonly state: () => NodeReport['state'];
  readonly chain: BlockWindow;
  /** The position of the newest message of a stream. */
  readonly tail: (stream: string) => Promise<Position>;
  readonly natsServer: () => string | undefined;
  readonly rpc: Rpc;
  readonly zmq: () => readonly ZmqReport[];
  readonly duty: Pick<Duty, 'isDraining' | 'isStopping'>;
  readonly requestsUnderWay: () => number;
  /** How much it takes, by the names of the settings. */
  readonly limits: () => Record<string, number | string>;
  /** The node's folder. */
  readonly data: string;
  readonly snapshots: SnapshotsView;
}

/** What is told of a node's snapshots. */
export interface SnapshotsView {
  /** The position of the newest one of a stream. */
  position(stream: string): Position | undefined;
  /** How long the node took until it was level with the log; undefined until it is. */
  readonly startSeconds: number | undefined;
}
