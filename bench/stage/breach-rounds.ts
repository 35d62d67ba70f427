import { setTimeout as sleep } from 'node:timers/promises';
import { TowerClient } from '../../actors/client/tower-client.js';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { Filler } from '../chain/filler.js';
import { Witness } from '../chain/witness.js';
import { type BareRpc, bareRpc } from '../limits/by-hand.js';
import { courierOf } from '../load/way.js';
import { until } from '../measure/wait.js';
import type { Stage } from './stage.js';
import type { User } from './users.js';

/** The transactions of each block. */
export const BLOCK_TXS = 4_000;
/** Those of them that are breaches which the tower watches for; of as many others, nobody but this process knows. */
export const BREACHES = 10;
/** After an answer, before the limit is measured, in ms: the tower writes its log, and bitcoind is left alone again. */
const QUIET_MS = 500;

/** One block: for each of its breaches, how long it took until its penalty was in the mempool, in ms. */
export interface Round {
  readonly tower: readonly number[];
  /** By plain HTTP: the limit. */
  readonly byHand: readonly number[];
  /** What `getblock` took of that. */
  readonly getblock: number;
  /** When the block was heard of, in ms since 1970. */
  readonly blockTime: number;
  readonly height: number;
  readonly disputeTxids: readonly string[];
}

/**
 * Full blocks, one after another, each with ten breaches of users that the tower protects.
 *
 * Milliseconds are from a block to each of the penalties in bitcoind's mempool: both ends are what bitcoind announces over
 * ZMQ, as this process hears it. Each block holds twenty disputes. The tower watches for ten. Afterwards, the same answer is
 * given to the others by hand, on the same block: one `getblock`, and `sendrawtransaction` for each, in one batch as the
 * tower sends them.
 */
export class BreachRounds {
  /** Opens the channels that are to be breached. What it holds is given back by `close`. */
  static async prepare(stage: Stage, count: number): Promise<BreachRounds> {
    const channels = await openChannels(stage.chain, 2 * BREACHES * count);
    const filler = await Filler.fund(stage.chain, BLOCK_TXS - 2 * BREACHES - 1);
    const breaches = channels.map((channel) => buildBreach(channel));
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
  readonly #bare: BareRpc;

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

  /** Hands the next breaches over for a user, and has them happen. */
  async play(user: User): Promise<Round> {
    const { stage, filler } = this;
    const { chain } = stage;
    const [watched, byHand] = [this.#take(), this.#take()];
    await Promise.all(watched.map((breach) => protect(user, breach)));
    const transactions = filler.next();
    await stage.untilLevel();
    await sleep(QUIET_MS);
    // Not by way of the mempool: so the block is the first that anybody hears of them.
    const hash = await chain.mineOnly([...transactions, ...[...watched, ...byHand].map(({ disputeTx }) => disputeTx)]);
    const block = await this.#witness.block(hash);
    const tower = await this.#answered(watched, block.at);
    const height = await chain.height();
    await sleep(QUIET_MS);
    const round = {
      tower,
      ...(await this.#answerByHand(hash, byHand)),
      blockTime: block.time,
      height,
      disputeTxids: watched.map(({ disputeTxid }) => disputeTxid),
    };
    await chain.mine(); // the penalties: only one block's trackers at a time are unconfirmed
    return round;
  }

  #take(): Breach[] {
    const some = this.breaches.splice(0, BREACHES);
    if (some.length < BREACHES) throw new Error('too few channels could be opened');
    return some;
  }

  /** What it takes at the least: read the block, find the disputes, send the penalties. */
  async #answerByHand(hash: string, breaches: readonly Breach[]): Promise<Pick<Round, 'byHand' | 'getblock'>> {
    await this.#bare.call('getblockcount'); // so that the connection is open, as the tower's is
    const begun = performance.now();
    const { tx } = (await this.#bare.call('getblock', hash, 1)) as { tx: string[] };
    const read = performance.now();
    const penalties = new Map(breaches.map(({ disputeTxid, penaltyTx }) => [disputeTxid as string, penaltyTx]));
    const found = tx.flatMap((txid) => penalties.get(txid) ?? []);
    if (found.length !== breaches.length) throw new Error('the disputes are not in the block');
    await this.#bare.callMany(
      'sendrawtransaction',
      found.map((penaltyTx) => [penaltyTx, 0]),
    );
    return { byHand: await this.#answered(breaches, begun), getblock: read - begun };
  }

  /** How long each penalty took from a moment on. */
  async #answered(breaches: readonly Breach[], from: number): Promise<number[]> {
    const heard = await Promise.all(breaches.map(({ penaltyTxid }) => this.#witness.mempool(penaltyTxid)));
    return heard.map(({ at }) => at - from);
  }
}

const protect = async (user: User, { disputeTxid, penaltyTx }: Breach): Promise<void> => {
  await new TowerClient(courierOf(user.way), user).protect(disputeTxid, fromHex(penaltyTx), 144);
};

/** When the last of a block's penalties was in the mempool, in ms. */
export const lastOf = (delays: readonly number[]): number => Math.max(...delays);
