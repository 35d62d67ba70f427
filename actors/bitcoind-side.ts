import type { Logger } from 'pino';
import type { ChainCommit } from '../events/commit.js';
import type { BlockHash } from '../events/ids.js';
import type { EventLog } from '../events/log/log.js';
import { TxidStore } from '../events/log/txids.js';
import type { BlockWindow } from '../projections/block-window.js';
import type { Fold } from '../projections/fold.js';
import './bitcoind/preload.js';
import { BitcoindRpc } from './bitcoind/rpc.js';
import { BlockTxids } from './block-txids.js';
import { Carrier } from './carrier/carrier.js';
import { type Block, BlockSource } from './chain-monitor/block-source.js';
import { MissingBlocks } from './chain-monitor/missing-block.js';
import { Monitoring } from './chain-monitor/monitoring.js';
import type { ZmqReport } from './cluster-wire.js';
import type { Config } from './config.js';
import { Mempool } from './mempool-watch/mempool.js';
import { MempoolWatch } from './mempool-watch/mempool-watch.js';
import type { Precedence } from './runtime/precedence.js';
import { Supervisor } from './runtime/supervisor.js';
import { why } from './runtime/why.js';
import type { ZmqLine } from './runtime/zmq-line.js';
import { areOfBlock } from './txids-check.js';

/** What of a node has to do with its bitcoind, put together: what watches it, and what asks it for something. */
export class BitcoindSide {
  readonly rpc: BitcoindRpc;
  readonly carrier: Carrier;
  readonly txids: BlockTxids;
  readonly mempool = new Mempool();
  readonly #blocks: BlockSource;
  readonly #mempoolWatch: MempoolWatch;
  readonly #supervisor: Supervisor;
  #monitor: Monitoring | undefined;

  constructor(private readonly needs: BitcoindSideNeeds) {
    const { config, log, chain, stopping, giveUp, logger } = needs;
    const { bitcoind } = config;
    this.rpc = new BitcoindRpc(bitcoind);
    this.carrier = new Carrier(this.rpc);
    this.#blocks = new HastyBlocks(this.rpc, needs.precedence);
    const missing = new MissingBlocks(this.#blocks, stopping);
    this.txids = new BlockTxids(
      new TxidStore(log),
      (hash) => missing.txids(hash),
      (block, error) => logger.warn({ ...why(error), height: block.height }, 'waiting for the txids of a block'),
      stopping,
      {
        areOfBlock: (hash, txids) => areOfBlock(this.rpc, hash, txids),
        onWrong: (hash) =>
          logger.error({ hash }, "the txids of a block on the log are not the block's; asking bitcoind"),
      },
    );
    this.#mempoolWatch = new MempoolWatch({
      zmqUrl: bitcoind.zmqSequence,
      pollMs: bitcoind.pollSeconds * 1000,
      rpc: this.rpc,
      mempool: this.mempool,
      chain,
      txids: (block) => this.txids.of(block),
      log: logger.child({ actor: 'mempool-watch' }),
    });
    const start = async (fail: (error: Error) => void) => this.#startMonitor(fail);
    this.#supervisor = new Supervisor({ name: 'chain-monitor', start }, logger, giveUp);
  }

  /** Begins to watch; the log's chain has to be folded. */
  start(): void {
    void this.#supervisor.start();
    this.#mempoolWatch.start();
  }

  async stop(): Promise<void> {
    this.#mempoolWatch.stop();
    await this.#supervisor.stop();
  }

  /** Whether bitcoind answered when it was last asked. */
  get isReachable(): boolean {
    return this.#monitor?.bitcoindReachable ?? false;
  }

  /** How the lines are over which bitcoind publishes what this node is to hear. */
  get zmq(): readonly ZmqReport[] {
    const { zmqHashblock, zmqSequence } = this.needs.config.bitcoind;
    return [
      ...(zmqHashblock === undefined ? [] : [zmqReport('hashblock', this.#monitor?.line)]),
      ...(zmqSequence === undefined ? [] : [zmqReport('sequence', this.#mempoolWatch.line)]),
    ];
  }

  #startMonitor(fail: (error: Error) => void): Monitoring {
    const { config, log, chain, precedence, seen, announced, found, restarted, stopping, logger } = this.needs;
    const { zmqHashblock: zmqUrl, pollSeconds } = config.bitcoind;
    const needs = {
      network: config.network,
      node: config.node,
      fold: chain,
      log,
      blocks: this.#blocks,
      txids: this.txids,
      firstBlocks: FIRST_BLOCKS,
      seen,
      announced,
      found: (block: Block) => precedence.during(found(block)),
      restarted,
      stopping,
      logger: logger.child({ actor: 'chain-monitor' }),
    };
    this.#monitor = new Monitoring(needs, { zmqUrl, pollMs: pollSeconds * 1000 }, fail);
    return this.#monitor;
  }
}

const zmqReport = (topic: string, line: ZmqLine | undefined): ZmqReport => ({
  topic,
  connected: line?.isConnected ?? false,
  silent_seconds: line?.silentSeconds ?? null,
});

/** The one block that bitcoind has found goes before what clients want; the many that a node missed are read beside that. */
class HastyBlocks extends BlockSource {
  constructor(
    rpc: BitcoindRpc,
    private readonly precedence: Precedence,
  ) {
    super(rpc);
  }

  override block(hash: BlockHash): Promise<Block> {
    return this.precedence.during(super.block(hash));
  }
}

/** How many blocks before bitcoind's tip a new log begins: as deep as a penalty has to be buried. */
const FIRST_BLOCKS = 100;

export interface BitcoindSideNeeds {
  readonly config: Config;
  readonly log: EventLog;
  readonly chain: Fold<ChainCommit, BlockWindow>;
  /** bitcoind has announced a block. */
  readonly seen: (hash: BlockHash) => void;
  /** A block is being read. */
  readonly announced: () => void;
  /** A block goes before whatever else the node has to do. */
  readonly precedence: Precedence;
  /** A block that bitcoind has, whether the log takes it or not; resolves when its breaches are answered. */
  readonly found: (block: Block) => Promise<unknown>;
  /** bitcoind is another run of the program than before. */
  readonly restarted: () => void;
  readonly stopping: AbortSignal;
  readonly giveUp: (error: Error) => void;
  readonly logger: Logger;
}
