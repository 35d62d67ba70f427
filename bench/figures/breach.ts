import type { Figure, Lab, Measured } from '../figure.js';
import { natsWay } from '../load/way.js';
import { median, quantile, round } from '../measure/statistics.js';
import { BLOCK_TXS, BREACHES, BreachRounds, lastOf, type Round } from '../stage/breach-rounds.js';
import { LongLog } from '../stage/long-log.js';
import type { Stage } from '../stage/stage.js';
import { registerUsers } from '../stage/users.js';

const HELD = 1_000_000;
/** Who holds them: nobody of those whose breaches come. */
const HOLDERS = 1_000;
const USERS = 20;
/** Rounds that are not counted, but for the very first, which is what a tower that was just started does. */
const WARM_UP = 3;

/**
 * Milliseconds from a block's arrival until the last of its ten penalties is in bitcoind's mempool.
 *
 * Each block holds 4,000 transactions; see `BreachRounds`. The tower was started on a log of a million appointments. The limit
 * is the same answer by plain HTTP.
 */
export const breach: Figure = {
  name: 'breach',
  says: `milliseconds from a block of ${BLOCK_TXS} transactions to its ${BREACHES} penalties in the mempool, ${HELD} held`,

  async measure(lab) {
    const stage = await lab.stage();
    const count = lab.options.rounds + WARM_UP;
    const users = await registerUsers([natsWay(await stage.connectClient())], stage.towerId, USERS);
    // A tower by its defaults has room for a million.
    const held = Math.max(1, Math.min(HELD, lab.options.most) - BREACHES * count);
    await hold(held, stage, lab);
    lab.say(`opening ${2 * BREACHES * count} channels`);
    const breaches = await BreachRounds.prepare(stage, count);
    try {
      const rounds: Round[] = [];
      const cpu = stage.cpuSince();
      for (const [i, user] of Array.from({ length: count }, (_, i) => users[i % USERS]).entries()) {
        if (!user) throw new TypeError('there are no users');
        if (i % 10 === WARM_UP) lab.say(`block ${i - WARM_UP + 1} of ${lab.options.rounds}`);
        rounds.push(await breaches.play(user));
      }
      return report(rounds, held, stage, cpu());
    } finally {
      breaches.close();
    }
  },
};

async function hold(held: number, stage: Stage, lab: Lab): Promise<void> {
  lab.say(`putting ${held} appointments on the log, and starting the tower on it`);
  await stage.tower.stop();
  const log = new LongLog(await stage.connectNode());
  await log.register(HOLDERS);
  await log.growTo(held);
  await stage.startTower();
  await stage.tower.untilReady();
}

type Used = ReturnType<ReturnType<Stage['cpuSince']>>;

function report(all: readonly Round[], held: number, { tower }: Stage, used: Used): Measured {
  const rounds = all.slice(WARM_UP);
  const ms = rounds.map((one) => lastOf(one.tower));
  const byHand = rounds.map((one) => lastOf(one.byHand));
  return {
    value: median(ms),
    unit: 'ms',
    limit: median(byHand),
    errors: [],
    details: {
      p90_ms: round(quantile(ms, 0.9)),
      worst_ms: round(Math.max(...ms)),
      first_ms: round(lastOf(all[0]?.tower ?? [])),
      each_ms: round(median(rounds.flatMap((one) => one.tower))),
      by_hand_p90_ms: round(quantile(byHand, 0.9)),
      by_hand_worst_ms: round(Math.max(...byHand)),
      by_hand_each_ms: round(median(rounds.flatMap((one) => one.byHand))),
      by_hand_getblock_ms: round(median(rounds.map((one) => one.getblock))),
      steps_ms: steps(rounds, tower.log()),
      blocks: rounds.length,
      block_txs: BLOCK_TXS,
      breaches: BREACHES,
      appointments: held,
      ...(used && { cores_busy_with_other_things: round(used.byOthers / used.seconds, 2) }),
      tower_complaints: tower.complaints().length,
    },
  };
}

/** When the tower says that it did what, in ms after the block, at the median; its log's clock has whole milliseconds. */
function steps(rounds: readonly Round[], log: ReturnType<Stage['tower']['log']>) {
  const after = (msg: string, field: string, valuesOf: (round: Round) => readonly unknown[]) => {
    const times = new Map(log.filter((line) => line.msg === msg).map((line) => [line[field], line.time]));
    const delays = rounds.map((one) => {
      const done = valuesOf(one).map((value) => times.get(value) ?? Number.NaN);
      return Math.max(...done) - one.blockTime;
    });
    return median(delays);
  };
  return {
    breaches_found: after('breach in a block', 'dispute', ({ disputeTxids }) => disputeTxids),
    penalties_answered: after('penalty sent', 'dispute', ({ disputeTxids }) => disputeTxids),
    chain_advanced: after('chain advanced', 'height', ({ height }) => [height]),
  };
}
