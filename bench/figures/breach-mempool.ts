import { setTimeout as sleep } from 'node:timers/promises';
import { TowerClient } from '../../actors/client/tower-client.js';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { Witness } from '../chain/witness.js';
import type { Figure, Measured } from '../figure.js';
import { bareRpc, type Call } from '../limits/by-hand.js';
import { courierOf, natsWay } from '../load/way.js';
import { median, quantile, round } from '../measure/statistics.js';
import { forAll, until } from '../measure/wait.js';
import type { Stage } from '../stage/stage.js';
import { randomAppointment, registerUsers, type User } from '../stage/users.js';

const USERS = 20;
const HELD = 2_000;
/** Rounds that are not counted, but for the very first, which is what a tower that was just started does. */
const WARM_UP = 3;
/** Between two disputes, in ms: the tower writes its log, and bitcoind is left alone again. */
const QUIET_MS = 100;
/** The penalties wait in the mempool; now and then a block takes them, and the disputes. */
const ROUNDS_A_BLOCK = 10;

/**
 * Milliseconds from a dispute's arrival in bitcoind's mempool to its penalty's, both as this process hears them over ZMQ.
 *
 * Of each round's two disputes the tower watches for one. The other is answered by hand, which is the limit: bitcoind's own
 * time for `sendrawtransaction` of the penalty, and for saying so, over plain HTTP.
 */
export const breachMempool: Figure = {
  name: 'breach-mempool',
  says: 'milliseconds from a dispute in the mempool to its penalty there, 2,000 appointments held',

  async measure(lab) {
    const stage = await lab.stage({ mempool: true });
    lab.say(`handing over ${HELD} appointments`);
    const users = await registerUsers([natsWay(await stage.connectClient())], stage.towerId, USERS);
    await forAll(new Array(HELD / USERS).fill(users).flat(), 64, async (user: User) => {
      await new TowerClient(courierOf(user.way), user).addAppointment(randomAppointment(600));
    });
    const count = lab.options.rounds + WARM_UP;
    const breaches = (await openChannels(stage.chain, 2 * count)).map((channel) => buildBreach(channel));
    const witness = new Witness(stage.bitcoind.zmqUrl);
    const bare = bareRpc(stage.bitcoind);
    try {
      await untilHearing(stage, witness);
      const rounds: Round[] = [];
      for (const [i, user] of Array.from({ length: count }, (_, i) => users[i % USERS]).entries()) {
        const [watched, byHand] = breaches.slice(2 * i);
        if (!user || !watched || !byHand) throw new Error('too few channels could be opened');
        if (i % 10 === WARM_UP) lab.say(`round ${i - WARM_UP + 1} of ${lab.options.rounds}`);
        await new TowerClient(courierOf(user.way), user).protect(watched.disputeTxid, fromHex(watched.penaltyTx), 144);
        rounds.push(await playRound(stage, witness, bare.call, { watched, byHand }));
        if (i % ROUNDS_A_BLOCK === ROUNDS_A_BLOCK - 1) await bury(stage);
      }
      return report(rounds, stage);
    } finally {
      witness.close();
      bare.close();
    }
  },
};

/** A subscription takes a moment; what is published before that is not heard. */
async function untilHearing(stage: Stage, witness: Witness): Promise<void> {
  await until('bitcoind is heard', async () => {
    const [hash = ''] = await stage.chain.mine();
    await sleep(50);
    return witness.hasHeardOf(hash);
  });
  await stage.untilLevel();
}

interface Round {
  readonly tower: number;
  readonly byHand: number;
}

async function playRound(
  { chain }: Stage,
  witness: Witness,
  bare: Call,
  { watched, byHand }: Readonly<Record<'watched' | 'byHand', Breach>>,
): Promise<Round> {
  await sleep(QUIET_MS);
  await chain.send(watched.disputeTx);
  const dispute = await witness.mempool(watched.disputeTxid);
  const penalty = await witness.mempool(watched.penaltyTxid);
  await sleep(QUIET_MS);
  await chain.send(byHand.disputeTx);
  await witness.mempool(byHand.disputeTxid);
  await bare('getblockcount'); // so that the connection is open, as the tower's is
  const begun = performance.now();
  await bare('sendrawtransaction', byHand.penaltyTx, 0);
  return { tower: penalty.at - dispute.at, byHand: (await witness.mempool(byHand.penaltyTxid)).at - begun };
}

async function bury(stage: Stage): Promise<void> {
  await stage.chain.mine();
  await stage.untilLevel();
}

function report(all: readonly Round[], { tower }: Stage): Measured {
  const rounds = all.slice(WARM_UP);
  const ms = rounds.map((one) => one.tower);
  const byHand = rounds.map((one) => one.byHand);
  return {
    value: median(ms),
    unit: 'ms',
    limit: median(byHand),
    errors: [],
    details: {
      p90_ms: round(quantile(ms, 0.9)),
      worst_ms: round(Math.max(...ms)),
      first_ms: round(all[0]?.tower ?? Number.NaN),
      by_hand_worst_ms: round(Math.max(...byHand)),
      rounds: rounds.length,
      appointments: HELD,
      tower_complaints: tower.complaints().length,
    },
  };
}
