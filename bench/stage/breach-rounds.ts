import { setTimeout as sleep } from 'node:timers/promises';
import { TowerClient } from '../../actors/client/tower-client.js';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { Filler } from '../chain/filler.js';
import { Witness } from '../chain/witness.js';
import { bareRpc, type Call } from '../limits/by-hand.js';
import { courierOf } from '../load/way.js';
import { until } from '../measure/wait.js';
import type { Stage } from './stage.js';
import type { User } from './users.js';

/** After an answer, before the limit is measured, in ms: the tower writes its log, and bitcoind is left alone again. */
const QUIET_MS = 250;

/** One breach: how long it took to answer, in ms, and how long the same answer took otherwise. */
export interface Round {
  readonly tower: number;
  /** By plain HTTP: the limit. */
  readonly byHand: number;
  /** By the tower's own RPC class. */
  readonly byClass: number;
  /** When the block was heard of, in ms since 1970. */
  readonly blockTime: number;
  readonly height: number;
  readonly disputeTxid: string;
}

export interface RoundsOptions {
  readonly count: number;
  /** Transactions of each block, the coinbase and three disputes among them. */
  readonly blockTxs: number;
}

/**
 * Breaches, one after another, of users that the tower protects, each in a full block.
 *
 * Milliseconds are from a block to the penalty in bitcoind's mempool: both ends are what bitcoind announces over ZMQ, as
 * this process hears it. Each block holds three disputes. The tower watches for one. Afterwards, the same answer is given to
 * the other two by hand, on the same block: `getblock` and `sendrawtransaction`.
 */
export class BreachRounds {
  /** Opens the channels that are to be breached. What it holds is given back by `close`. */
  static async prepare(stage: Stage, { count, blockTxs }: RoundsOptions): Promise<BreachRounds> {
    const breaches = (await openChannels(stage.chain, 3 * count)).map((channel) => buildBreach(channel));
    const filler = await Filler.fund(stage.chain, blockTxs - 4);
    const rounds = new BreachRounds(stage, breaches, filler);
    try {
      await rounds.#untilHearing();
    } catch (error) {
      rounds.close();
      throw error;
    }
    return rounds;
  }

  readonly #witness: Witness;
  readonly #bare: ReturnType<typeof bareRpc>;

  private constructor(
    private readonly stage: Stage,
    private readonly breaches: Breach[],
    private readonly filler: Filler,
  ) {
    this.#witness = new Witness(stage.bitcoind.zmqUrl);
    this.#bare = bareRpc(stage.bitcoind);
  }

  close(): void {
    this.#witness.close();
    this.#bare.close();
  }

  /** A subscription takes a moment; what is published before that is not heard. */
  async #untilHearing(): Promise<void> {
    await until('bitcoind is heard', async () => {
      const [hash = ''] = await this.stage.chain.mine();
      await sleep(50);
      return this.#witness.hasHeardOf(hash);
    });
    await this.stage.untilLevel();
  }

  /** Hands the next breach over for a user, and has it happen. */
  async play(user: User): Promise<Round> {
    const { stage, filler } = this;
    const { chain, bitcoind } = stage;
    const [watched, byHand, byClass] = this.breaches.splice(0, 3);
    if (!watched || !byHand || !byClass) throw new Error('too few channels could be opened');
    await new TowerClient(courierOf(user.way), user).protect(watched.disputeTxid, fromHex(watched.penaltyTx), 144);
    await stage.untilLevel();
    await sleep(QUIET_MS);
    // Not by way of the mempool: so the block is the first that anybody hears of them.
    const disputes = [watched, byHand, byClass].map(({ disputeTx }) => disputeTx);
    const hash = await chain.mineOnly([...filler.next(), ...disputes]);
    const block = await this.#witness.block(hash);
    const answered = await this.#witness.mempool(watched.penaltyTxid);
    const height = await chain.height();
    await sleep(QUIET_MS);
    const round = {
      tower: answered.at - block.at,
      byHand: await this.#answerByHand(this.#bare.call, hash, byHand),
      byClass: await this.#answerByHand((...call) => bitcoind.rpc.call(...call), hash, byClass),
      blockTime: block.time,
      height,
      disputeTxid: watched.disputeTxid,
    };
    await chain.mine(); // the penalties: only one tracker at a time is unconfirmed
    return round;
  }

  /** What it takes at the least: read the block, find the dispute, send the penalty. Gives the milliseconds until the mempool has it. */
  async #answerByHand(call: Call, hash: string, dispute: Breach): Promise<number> {
    await call('getblockcount'); // so that the connection is open, as the tower's is
    const begun = performance.now();
    const block = (await call('getblock', hash, 1)) as { tx: string[] };
    if (!block.tx.includes(dispute.disputeTxid)) throw new Error('the dispute is not in the block');
    await call('sendrawtransaction', dispute.penaltyTx, 0);
    return (await this.#witness.mempool(dispute.penaltyTxid)).at - begun;
  }
}
