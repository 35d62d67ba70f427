import { setImmediate as breathe, setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { z } from 'zod';
import { fromHex, reversed } from '../../events/bytes.js';
import type { BlockRef } from '../../events/chain.js';
import type { ChainCommit } from '../../events/commit.js';
import { Txid } from '../../events/ids.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import { eachTxid } from '../block-txids.js';
import { why } from '../runtime/why.js';
import type { ZmqLine } from '../runtime/zmq-line.js';
import { type Mempool, textOf } from './mempool.js';
import { follows, heard, type LastHeard, type SequenceEvent, type SequenceMessage } from './sequence.js';
import { SequenceSignal } from './sequence-signal.js';

/**
 * The MempoolWatch: keeps the node's memory of its bitcoind's mempool, and has each transaction looked up as it arrives.
 *
 *   bitcoind --ZMQ sequence--> MempoolWatch --txid--> Mempool --> MempoolWatcher of each shard
 *            --getrawmempool-->     ^
 *   CHAIN ----what was mined--------+
 *
 * takes   sequence        a transaction came, or left
 *         folded chain    what a block holds is in the mempool no more; ZMQ does not say so
 * emits   nothing on the log: the shards do
 *
 * The whole mempool is read at the start, at each connection, after a gap in what was heard, after a reorg, and when
 * nothing is heard though the mempool's size is another. Nobody waits for this actor: whatever fails is tried again.
 */
export class MempoolWatch {
  #signal: SequenceSignal | undefined;
  readonly #stopping = new AbortController();
  readonly #mined: BlockRef[] = [];
  #forgetting = false;
  #poll: NodeJS.Timeout | undefined;
  #last: LastHeard | undefined;
  #heardSincePoll = false;
  /** What was heard since the reading that is under way began; undefined while none is. */
  #meanwhile: Change[] | undefined;
  #wanted = false;
  /** How many transactions were added since the whole mempool was read. */
  #added = 0;

  constructor(private readonly needs: MempoolWatchNeeds) {}

  start(): void {
    const { zmqUrl, chain, pollMs, log } = this.needs;
    if (zmqUrl === undefined) return;
    chain.on('folded', this.#folded);
    const on = { message: (message: SequenceMessage) => this.#hear(message), connected: () => this.#connected() };
    this.#signal = new SequenceSignal(zmqUrl, on, log);
    this.#signal.start();
    this.#poll = setInterval(() => void this.#compareSizes(), pollMs);
    this.#read();
  }

  /** How the line is over which bitcoind tells of its mempool; undefined if it is not watched. */
  get line(): ZmqLine | undefined {
    return this.#signal?.line;
  }

  stop(): void {
    this.#stopping.abort();
    clearInterval(this.#poll);
    this.needs.chain.off('folded', this.#folded);
    this.#signal?.stop();
  }

  #connected(): void {
    this.needs.log.debug('hearing the mempool over ZMQ');
    this.#last = undefined;
    this.#read();
  }

  #hear(message: SequenceMessage): void {
    this.#heardSincePoll = true;
    if (!follows(message, this.#last)) {
      if (this.#last) this.needs.log.warn('news of the mempool was lost; reading all of it');
      this.#read();
    }
    this.#last = heard(message, this.#last);
    if (message.event.kind !== 'block') this.#change(message.event);
  }

  #change(change: Change): void {
    const { mempool } = this.needs;
    // Whoever only ever adds would fill the memory: what is not in the mempool is forgotten when all of it is read.
    if (change.kind === 'added' && ++this.#added >= MOST_ADDED) this.#read();
    if (change.kind === 'added') mempool.add(change.txidInternal);
    else mempool.remove(change.txidInternal);
    this.#meanwhile?.push(change);
  }

  readonly #folded = ({ events }: ChainCommit): void => {
    for (const event of events)
      if (event.type === 'BlockConnected') this.#mined.push({ height: event.height, hash: event.hash });
      else this.#read(); // bitcoind may have put back what was taken out for this block just now
    void this.#forgetMined();
  };

  /** Takes what was mined out of the memory; where many blocks are caught up with, by reading all once more. */
  async #forgetMined(): Promise<void> {
    if (this.#forgetting) return;
    this.#forgetting = true;
    try {
      await sleep(FORGET_MS, undefined, { signal: this.#stopping.signal });
      if (this.#mined.splice(0, this.#mined.length > MANY_BLOCKS ? Infinity : 0).length > 0) this.#read();
      for (let block = this.#mined.shift(); block; block = this.#mined.shift()) {
        const txids = await this.needs.txids(block);
        if (!this.needs.chain.state.isBest(block)) continue; // its transactions may be in the mempool again
        if (!txids) this.#read(); // nobody has the block
        for (const txidInternal of eachTxid(txids ?? new Uint8Array())) this.#change({ kind: 'mined', txidInternal });
      }
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.needs.log.warn(why(error), 'a block did not leave the memory of the mempool');
      this.#read();
    } finally {
      this.#forgetting = false;
    }
  }

  /** Silence is no gap: only the mempool itself can tell that there was something to hear. */
  async #compareSizes(): Promise<void> {
    const isSilent = !this.#heardSincePoll && !this.#meanwhile;
    this.#heardSincePoll = false;
    if (!isSilent) return;
    try {
      const { size } = MempoolInfo.parse(await this.needs.rpc.call('getmempoolinfo'));
      if (this.#heardSincePoll || size === this.needs.mempool.size) return;
      this.needs.log.info({ transactions: size }, 'the mempool changed, but ZMQ is silent; reading all of it');
      this.#read();
    } catch (error) {
      this.needs.log.debug(why(error), 'the mempool could not be asked for its size');
    }
  }

  /** Has the whole mempool read, after the reading that is under way. */
  #read(): void {
    this.#wanted = true;
    if (!this.#meanwhile) void this.#readWhileWanted();
  }

  async #readWhileWanted(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; this.#wanted && !signal.aborted; ) {
      this.#wanted = false;
      this.#meanwhile = [];
      try {
        await this.#readAll(this.#meanwhile);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (failures++ === 0) this.needs.log.warn(why(error), 'waiting for the mempool');
        this.#wanted = true;
      }
      if (this.#wanted) await sleep(failures > 0 ? RETRY_MS : PAUSE_MS, undefined, { signal }).catch(() => undefined);
      this.#meanwhile = undefined;
    }
  }

  async #readAll(meanwhile: readonly Change[]): Promise<void> {
    const { mempool, rpc, log } = this.needs;
    this.#added = 0;
    const snapshot = RawMempool.parse(await rpc.call('getrawmempool', false, true));
    const present = new Set<string>();
    for (const [i, txid] of snapshot.txids.entries()) {
      const txidInternal = reversed(fromHex(txid));
      mempool.add(txidInternal);
      present.add(textOf(txidInternal));
      if (i % AT_ONCE === AT_ONCE - 1) await breathe(undefined, { signal: this.#stopping.signal });
    }
    for (const change of meanwhile) {
      if ('sequence' in change && change.sequence < snapshot.mempool_sequence) continue; // the snapshot has it
      if (change.kind === 'added') present.add(textOf(change.txidInternal));
      else present.delete(textOf(change.txidInternal));
    }
    for (const txidInternal of mempool.txids()) if (!present.has(textOf(txidInternal))) mempool.remove(txidInternal);
    log.debug({ transactions: mempool.size }, 'the mempool was read');
  }
}

type Change = Exclude<SequenceEvent, { kind: 'block' }> | { readonly kind: 'mined'; readonly txidInternal: Uint8Array };

const RawMempool = z.object({ txids: z.array(Txid), mempool_sequence: z.coerce.number() });
const MempoolInfo = z.object({ size: z.number().int() });

/** Transactions that are heard of before the whole mempool is read; those of half a day. */
const MOST_ADDED = 300_000;
/** Readings of the whole mempool are that far apart at the least, in ms. */
const PAUSE_MS = 250;
const RETRY_MS = 1_000;
/** Transactions of a reading that are looked up before others get their turn. */
const AT_ONCE = 500;
/** What a block holds is forgotten that much later, in ms: its breaches come first. */
const FORGET_MS = 1_000;
/** Blocks that come at once and are more than a reorg: reading the mempool is cheaper than reading each. */
const MANY_BLOCKS = 16;

export interface MempoolWatchNeeds {
  /** `tcp://host:port` of bitcoind's `zmqpubsequence`; undefined to watch nothing. */
  readonly zmqUrl: string | undefined;
  /** How often the mempool's size is compared while ZMQ is silent. */
  readonly pollMs: number;
  readonly rpc: { call(method: string, ...params: unknown[]): Promise<unknown> };
  readonly mempool: Mempool;
  readonly chain: Fold<ChainCommit, BlockWindow>;
  /** Undefined if nobody has the block. */
  readonly txids: (block: BlockRef) => Promise<Uint8Array | undefined>;
  readonly log: Logger;
}
