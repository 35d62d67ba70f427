import { TowerClient } from '../../actors/client/tower-client.js';
import type { Figure, Lab, Measured } from '../figure.js';
import { courierOf, natsWay } from '../load/way.js';
import { median, quantile, round } from '../measure/statistics.js';
import { forAll } from '../measure/wait.js';
import { BreachRounds, type Round } from '../stage/breach-rounds.js';
import type { Stage } from '../stage/stage.js';
import { randomAppointment, registerUsers, type User } from '../stage/users.js';

const USERS = 20;
const HELD = 2_000;
const BLOCK_TXS = 200;
/** Rounds that are not counted, but for the very first, which is what a tower that was just started does. */
const WARM_UP = 3;

/**
 * Milliseconds from a block to the penalty in bitcoind's mempool.
 *
 * Each block holds 200 transactions, among them three disputes; see `BreachRounds`. The limit is the same answer by plain
 * HTTP; the details have it by the tower's own RPC class, too.
 */
export const breach: Figure = {
  name: 'breach',
  says: 'milliseconds from a block of 200 transactions to the penalty in the mempool, 2,000 appointments held',

  async measure(lab) {
    const stage = await lab.stage();
    lab.say(`handing over ${HELD} appointments`);
    const users = await registerUsers([natsWay(await stage.connectClient())], stage.towerId, USERS);
    await forAll(new Array(HELD / USERS).fill(users).flat(), 64, async (user: User) => {
      await new TowerClient(courierOf(user.way), user).addAppointment(randomAppointment(600));
    });
    const count = lab.options.rounds + WARM_UP;
    lab.say(`opening ${3 * count} channels`);
    const breaches = await BreachRounds.prepare(stage, { count, blockTxs: BLOCK_TXS });
    try {
      const rounds: Round[] = [];
      const cpu = stage.cpuSince();
      for (const [i, user] of Array.from({ length: count }, (_, i) => users[i % USERS]).entries()) {
        if (!user) throw new TypeError('there are no users');
        if (i % 10 === WARM_UP) lab.say(`round ${i - WARM_UP + 1} of ${lab.options.rounds}`);
        rounds.push(await breaches.play(user));
      }
      return report(rounds, stage, lab, cpu());
    } finally {
      breaches.close();
    }
  },
};

type Used = ReturnType<ReturnType<Stage['cpuSince']>>;

function report(all: readonly Round[], { tower }: Stage, { options }: Lab, used: Used): Measured {
  const rounds = all.slice(WARM_UP);
  const of = (what: 'tower' | 'byHand' | 'byClass') => rounds.map((one) => one[what]);
  const ms = of('tower');
  return {
    value: median(ms),
    unit: 'ms',
    limit: median(of('byHand')),
    errors: [],
    details: {
      p90_ms: round(quantile(ms, 0.9)),
      worst_ms: round(Math.max(...ms)),
      first_ms: round(all[0]?.tower ?? Number.NaN),
      by_hand_worst_ms: round(Math.max(...of('byHand'))),
      by_rpc_class_ms: round(median(of('byClass'))),
      steps_ms: steps(rounds, tower.log()),
      rounds: options.rounds,
      appointments: HELD,
      block_txs: BLOCK_TXS,
      ...(used && { cores_busy_with_other_things: round(used.byOthers / used.seconds, 2) }),
      tower_complaints: tower.complaints().length,
    },
  };
}

/** When the tower says that it did what, in ms after the block, at the median; its log's clock has whole milliseconds. */
function steps(rounds: readonly Round[], log: ReturnType<Stage['tower']['log']>) {
  const after = (msg: string, of: (round: Round) => [field: string, value: unknown]) => {
    const delays = rounds.map((round) => {
      const [field, value] = of(round);
      const line = log.find((line) => line.msg === msg && line[field] === value);
      return line ? line.time - round.blockTime : Number.NaN;
    });
    return median(delays);
  };
  return {
    chain_advanced: after('chain advanced', ({ height }) => ['height', height]),
    breach_found: after('breach in a block', ({ disputeTxid }) => ['dispute', disputeTxid]),
    penalty_answered: after('penalty sent', ({ disputeTxid }) => ['dispute', disputeTxid]),
  };
}
