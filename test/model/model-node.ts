import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { pino } from 'pino';
import { BlockTxids } from '../../actors/block-txids.js';
import { ChainMonitor } from '../../actors/chain-monitor/chain-monitor.js';
import { MissingBlocks } from '../../actors/chain-monitor/missing-block.js';
import { Shard } from '../../actors/shard.js';
import type { ChainCommit } from '../../events/commit.js';
import type { BlockHash, Shard as ShardId } from '../../events/ids.js';
import { CHAIN } from '../../events/log/streams.js';
import { BlockWindow } from '../../projections/block-window.js';
import { Fold } from '../../projections/fold.js';
import { ShardState } from '../../projections/shard-state.js';
import { heldAppointments } from '../../projections/tower-info.js';
import { type Bitcoind, blockSourceOf, carrierOf } from './bitcoind.js';
import type { Setting } from './commands.js';
import { MemoryLog, type MemoryStreams } from './memory-log.js';
import { mempoolViewOf } from './mempool-view.js';
import type { StepWire } from './steps.js';
import { blobStoreOf, type MemoryStores, txidStoreOf } from './stores.js';

export const SHARD = 0 as ShardId;
export const LOCATOR_CACHE = 6;
/** The heights of the log's first block, below which no branch of the model begins, and of bitcoind's tip by then. */
export const ROOT_HEIGHT = 1;
export const FIRST_HEIGHT = 12;
/** Blocks until what a block holds is irrevocable, that block included. */
export const BURIED = 100;
export const TERMS = { slots: 4, grace: 3, maxAppointments: 100, maxUsers: 100, maxSlots: 0xffffffff };

/** What a node of the model is made of and with. */
export interface ModelNodeNeeds {
  readonly name: string;
  readonly wire: StepWire;
  readonly streams: MemoryStreams;
  readonly stores: MemoryStores;
  readonly bitcoind: Bitcoind;
  readonly setting: Setting;
  readonly onFailure: (error: Error) => void;
  /** What it begins with of its shard; undefined to replay all of it. */
  readonly state: ShardState | undefined;
}

const logger = pino({ level: process.env.ARGUS_TEST_LOG ?? 'silent' });

/**
 * One life of a node, from its start to its sudden death: the tower's own actors, put together as `actors/node.ts` does,
 * over a log, stores and a bitcoind that answer when the model lets them.
 */
export class ModelNode {
  readonly chain: Fold<ChainCommit, BlockWindow>;
  readonly #monitor: ChainMonitor;
  readonly #stopping = new AbortController();
  shard: Shard | undefined;

  constructor(private readonly needs: ModelNodeNeeds) {
    const { name, wire, streams, stores, bitcoind } = needs;
    const log = new MemoryLog(streams, wire);
    const fail = (error: Error) => this.#fail(error);
    const signal = this.#stopping.signal;
    setMaxListeners(0, signal);
    const blocks = blockSourceOf(bitcoind, wire);
    const missing = new MissingBlocks(blocks, signal);
    const fetch = (hash: BlockHash) => missing.txids(hash);
    const txids = new BlockTxids(txidStoreOf(stores, wire), fetch, () => {}, signal, TRUSTING);
    this.chain = new Fold<ChainCommit, BlockWindow>(log, CHAIN, SHARD, new BlockWindow(), fail);
    this.#monitor = new ChainMonitor({
      network: 'regtest',
      node: name,
      fold: this.chain,
      log,
      blocks,
      txids,
      firstBlocks: FIRST_HEIGHT - ROOT_HEIGHT + 1,
      announced: () => {},
      found: async (block) => this.shard?.blockFound(block),
      restarted: () => this.shard?.bitcoindRestarted(),
      stopping: signal,
      logger,
    });
    bitcoind.onTip = (hash) => void wire.carry('other', () => this.#monitor.wake(hash));
    this.#begin(log, txids).catch(fail);
  }

  get locatorCache() {
    return this.shard?.locatorCache.blocks ?? [];
  }

  async #begin(log: MemoryLog, txids: BlockTxids): Promise<void> {
    const { name, wire, stores, bitcoind, setting, state = new ShardState() } = this.needs;
    await this.chain.level();
    this.#monitor.run().catch((error) => this.#fail(error));
    const shard = await Shard.start(
      {
        shard: SHARD,
        state,
        node: name,
        log,
        blobs: blobStoreOf(stores, wire),
        chain: this.chain,
        txids,
        carrier: carrierOf(bitcoind, wire),
        mempool: mempoolViewOf(bitcoind, wire, setting.seesMempool ?? false),
        sign,
        terms: { ...TERMS, duration: setting.duration },
        locatorCacheSize: LOCATOR_CACHE,
        held: () => (this.shard ? heldAppointments([this.shard.fold.state]) : 0),
        users: () => 0,
        admit: async () => ({ kind: 'admitted' }),
        stopping: this.#stopping.signal,
        logger,
      },
      (error) => this.#fail(error),
    );
    this.shard = shard;
  }

  #fail(error: Error): void {
    if (!this.needs.wire.isCut) this.needs.onFailure(error);
  }
}

/** Signs nothing: 104 characters of zbase32 that differ where the receipts do. */
export const sign = (receipt: Uint8Array): string => likeSignature(createHash('sha256').update(receipt).digest('hex'));

export const likeSignature = (hex: string): string => hex.replaceAll('0', 'y').replaceAll('2', 'n').padEnd(104, 'y');

/** The stores of this world give what was put there. */
const TRUSTING = { areOfBlock: async () => undefined, onWrong: () => {} };
