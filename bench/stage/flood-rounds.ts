import { setTimeout as sleep } from 'node:timers/promises';
import { TowerClient } from '../../actors/client/tower-client.js';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { Filler } from '../chain/filler.js';
import { Witness } from '../chain/witness.js';
import { type BareRpc, bareRpc } from '../limits/by-hand.js';
import { courierOf } from '../load/way.js';
import { forAll, until } from '../measure/wait.js';
import { BLOCK_TXS, BREACHES } from './breach-rounds.js';
import type { Stage } from './stage.js';
import type { User } from './users.js';

/** One block: the ms until the last of its penalties was in the mempool, of those that the tower answered and those by hand. */
export interface FloodRound {
  readonly tower: number;
  readonly byHand: number;
  /** Until the tower had the block on its log, as its own log tells, in ms; no more than it was waited for. */
  readonly taken: number;
  /** Until the tower had found the last breach, and sent the last penalty, as its own log tells, in ms. */
  readonly found: number;
  readonly sent: number;
}

/** After a block, before the next, in ms: the tower puts what happened on its log, which takes longer in a flood. */
const BETWEEN_MS = 400;

/** How long a block's way to the log is waited for, in ms. */
const LATE_MS = 10_000;

/**
 * Blocks with breaches as those of `BreachRounds`, while the doors may be shut by a flood: all appointments are handed over
 * beforehand, and how far the tower is one reads in its log file.
 */
export class FloodRounds {
  /** Opens and protects the channels that are to be breached. What it holds is given back by `close`. */
  static async prepare(stage: Stage, users: readonly User[], count: number): Promise<FloodRounds> {
    const channels = await openChannels(stage.chain, 2 * BREACHES * count);
    const filler = await Filler.fund(stage.chain, BLOCK_TXS - 2 * BREACHES - 1);
    const breaches = channels.map((channel) => buildBreach(channel));
    await stage.untilLevel();
    const rounds = Array.from({ length: count }, (_, i) => ({
      watched: breaches.slice(2 * i * BREACHES, (2 * i + 1) * BREACHES),
      byHand: breaches.slice((2 * i + 1) * BREACHES, (2 * i + 2) * BREACHES),
    }));
    const watched = rounds.flatMap((round) =>
      round.watched.map((breach, i) => ({ breach, user: users[i % users.length] })),
    );
    await forAll(watched, 64, async ({ breach, user }) => {
      if (!user) throw new TypeError('there are no users');
      const { disputeTxid, penaltyTx } = breach;
      await new TowerClient(courierOf(user.way), user).protect(disputeTxid, fromHex(penaltyTx), 144);
    });
    const prepared = new FloodRounds(stage, rounds, filler);
    try {
      await prepared.#untilHearing();
    } catch (error) {
      prepared.close();
      throw error;
    }
    return prepared;
  }

  readonly #witness: Witness;
  readonly #bare: BareRpc;

  private constructor(
    private readonly stage: Stage,
    private readonly rounds: { readonly watched: Breach[]; readonly byHand: Breach[] }[],
    private readonly filler: Filler,
  ) {
    this.#witness = new Witness(stage.bitcoind.zmqUrl);
    this.#bare = bareRpc(stage.bitcoind);
  }

  close(): void {
    this.#witness.close();
    this.#bare.close();
  }

  async #untilHearing(): Promise<void> {
    await until('bitcoind is heard', async () => {
      const [hash = ''] = await this.stage.chain.mine();
      await sleep(50);
      return this.#witness.hasHeardOf(hash);
    });
    await this.stage.untilLevel();
  }

  /** The next block, its answer by the tower, and after that the same by hand. */
  async play(): Promise<FloodRound> {
    const { chain } = this.stage;
    const round = this.rounds.shift();
    if (!round) throw new Error('there are no breaches left');
    const { watched, byHand } = round;
    const transactions = this.filler.next();
    const disputes = [...watched, ...byHand].map(({ disputeTx }) => disputeTx);
    await sleep(BETWEEN_MS);
    const hash = await chain.mineOnly([...transactions, ...disputes]);
    const { at, time } = await this.#witness.block(hash);
    const tower = await this.#answered(watched, at);
    await sleep(BETWEEN_MS);
    const answeredByHand = await this.#answerByHand(hash, byHand);
    const taken = (await this.#taken(hash)) - time;
    const [penalties = ''] = await chain.mine();
    await this.#taken(penalties);
    const lines = this.stage.tower.log();
    const disputesOf = new Set<unknown>(watched.map(({ disputeTxid }) => disputeTxid));
    const lastSaid = (said: string) =>
      Math.max(...lines.flatMap(({ msg, dispute, time }) => (msg === said && disputesOf.has(dispute) ? [time] : [])));
    const [found, sent] = [lastSaid('breach in a block') - time, lastSaid('penalty sent') - time];
    return { tower, byHand: answeredByHand, taken, found, sent };
  }

  /** When the tower had put a block on its log, in ms since 1970; now if it has not for long. */
  async #taken(hash: string): Promise<number> {
    const { tower } = this.stage;
    const line = () => tower.log().find(({ msg, hash: taken }) => msg === 'chain advanced' && taken === hash);
    const taken = await until('the tower takes the block', line, LATE_MS).catch(() => undefined);
    return taken?.time ?? Date.now();
  }

  /** What it takes at the least: read the block, find the disputes, send the penalties. */
  async #answerByHand(hash: string, breaches: readonly Breach[]): Promise<number> {
    await this.#bare.call('getblockcount'); // so that the connection is open, as the tower's is
    const begun = performance.now();
    const { tx } = (await this.#bare.call('getblock', hash, 1)) as { tx: string[] };
    const penalties = new Map(breaches.map(({ disputeTxid, penaltyTx }) => [disputeTxid as string, penaltyTx]));
    const found = tx.flatMap((txid) => penalties.get(txid) ?? []);
    if (found.length !== breaches.length) throw new Error('the disputes are not in the block');
    await this.#bare.callMany(
      'sendrawtransaction',
      found.map((penaltyTx) => [penaltyTx, 0]),
    );
    return this.#answered(breaches, begun);
  }

  /** How long the last penalty took from a moment on. */
  async #answered(breaches: readonly Breach[], from: number): Promise<number> {
    const heard = await Promise.all(breaches.map(({ penaltyTxid }) => this.#witness.mempool(penaltyTxid)));
    return Math.max(...heard.map(({ at }) => at - from));
  }
}
