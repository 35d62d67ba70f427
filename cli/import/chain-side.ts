import { z } from 'zod';
import { BitcoindRpc } from '../../actors/bitcoind/rpc.js';
import {
  BitcoindRefused,
  BitcoindUnauthorized,
  BitcoindUnreachable,
  understood,
} from '../../actors/bitcoind/rpc-errors.js';
import { includesTxid } from '../../actors/block-txids.js';
import { type Block, BlockSource } from '../../actors/chain-monitor/block-source.js';
import { networkOf } from '../../actors/chain-monitor/networks.js';
import type { Config } from '../../actors/config.js';
import { fromHex, reversed } from '../../events/bytes.js';
import type { BlockRef } from '../../events/chain.js';
import { BlockHash, Height } from '../../events/ids.js';
import { ImportError } from './old-tower.js';
import type { PlannedTracker } from './plan.js';

/**
 * Where the new log's chain begins, so that nothing which the old tower was doing is passed over: a hundred blocks before the
 * last one that it has dealt with, as a log of any tower begins before bitcoind's tip; and not after the dispute of any
 * breach that it was answering. From there on the Watcher finds the breaches again, and the Responder sees them through.
 */

/** How many blocks are looked at again: as deep as a penalty is buried. */
const LOOK_BACK = 100;
/** How far before an appointment's start its dispute may be: the old towers compared new ones with some blocks before. */
const BEFORE_START = 144;
const BATCH = 10;

export interface Beginning {
  /** The first block of the new log. */
  readonly first: Block;
  /** The last that the old tower has dealt with. */
  readonly seen: BlockRef | null;
  /** Trackers whose dispute is in no block that bitcoind has. */
  readonly lost: readonly PlannedTracker[];
}

const Header = z.object({ height: Height });
const InBlock = z.object({ blockhash: BlockHash.optional() });

export class ChainSide {
  readonly #rpc: BitcoindRpc;
  readonly #blocks: BlockSource;

  constructor({ bitcoind }: Pick<Config, 'bitcoind'>) {
    this.#rpc = new BitcoindRpc(bitcoind);
    this.#blocks = new BlockSource(this.#rpc);
  }

  /** The height of the best chain. Rejects with `ImportError` if bitcoind cannot be asked, or is on another network. */
  tip(network: string): Promise<Height> {
    return patiently(async () => {
      const found = networkOf(await this.#blocks.genesis()) ?? 'an unknown network';
      if (found !== network)
        throw new ImportError(`bitcoind is on ${found}, and the new tower is to be for ${network}`);
      return this.#height(await this.#blocks.bestHash());
    });
  }

  /** Rejects with `ImportError` if bitcoind cannot be asked, or does not know a block that the old tower knew. */
  begin(tip: Height, last: readonly BlockHash[], trackers: readonly PlannedTracker[]): Promise<Beginning> {
    return patiently(async () => {
      const seen = await this.#lowest(last);
      const height = Math.min(seen?.height ?? tip, tip);
      const { lowest, lost } = await this.#findDisputes(trackers, height);
      const from = Math.max(0, Math.min(height - LOOK_BACK + 1, lowest));
      const [hash] = await this.#blocks.hashesAt([from]);
      return { first: await this.#blocks.block(hash as BlockHash), seen, lost };
    });
  }

  async #lowest(hashes: readonly BlockHash[]): Promise<BlockRef | null> {
    let lowest: BlockRef | null = null;
    for (const hash of hashes) {
      const height = await this.#height(hash).catch((error) => {
        if (!(error instanceof BitcoindRefused)) throw error;
        throw new ImportError(
          `bitcoind knows no block ${hash}, with which the old tower ended: it is on another network, or still loads the chain`,
        );
      });
      if (!lowest || height < lowest.height) lowest = { height, hash };
    }
    return lowest;
  }

  async #height(hash: BlockHash): Promise<Height> {
    const header = await this.#rpc.call('getblockheader', hash);
    return understood('getblockheader', () => Header.parse(header)).height;
  }

  /** The lowest block that holds a dispute: by bitcoind's index of transactions if it has one, else block by block. */
  async #findDisputes(trackers: readonly PlannedTracker[], from: number) {
    const wanted = new Map(trackers.map((tracker) => [tracker.disputeTxid, tracker]));
    let lowest = Number.POSITIVE_INFINITY;
    const all = [...wanted.keys()];
    for (let at = 0; at < all.length; at += 100) {
      const some = all.slice(at, at + 100);
      const answers = await this.#rpc.callMany(
        'getrawtransaction',
        some.map((txid) => [txid, true]),
      );
      for (const [i, txid] of some.entries()) {
        const hash = InBlock.safeParse(answers[i]).data?.blockhash;
        if (hash === undefined) continue;
        wanted.delete(txid);
        lowest = Math.min(lowest, await this.#height(hash));
      }
    }
    const bottom = Math.min(...Array.from(wanted.values(), ({ startBlock }) => startBlock)) - BEFORE_START;
    for (let to = from; to >= Math.max(0, bottom) && wanted.size > 0; to -= BATCH) {
      const heights = Array.from({ length: Math.min(BATCH, to + 1) }, (_, i) => to - i);
      const blocks = await this.#blocks.blocks(await this.#blocks.hashesAt(heights));
      for (const { connected, txidsInternal } of blocks)
        for (const txid of wanted.keys())
          if (txidsInternal && includesTxid(txidsInternal, reversed(fromHex(txid)))) {
            wanted.delete(txid);
            lowest = Math.min(lowest, connected.height);
          }
    }
    return { lowest, lost: trackers.filter(({ disputeTxid }) => wanted.has(disputeTxid)) };
  }
}

async function patiently<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    const isAway = cause instanceof BitcoindUnreachable || cause instanceof BitcoindUnauthorized;
    if (!isAway && !(cause instanceof BitcoindRefused)) throw cause;
    throw new ImportError(`bitcoind, which says where the old tower was, cannot be asked: ${cause.message}`, { cause });
  }
}
