import type { Figure, Lab, Measured } from '../figure.js';
import { natsWay } from '../load/way.js';
import { LookUp } from '../measure/look-up.js';
import { median, round } from '../measure/statistics.js';
import { BreachRounds } from '../stage/breach-rounds.js';
import { LongLog } from '../stage/long-log.js';
import type { Stage } from '../stage/stage.js';
import { registerUsers, type User } from '../stage/users.js';

const SIZES = [1_000, 10_000, 100_000, 1_000_000];
/** And of the watchlist alone. */
const LARGEST = 10_000_000;
const HOLDERS = 1_000;
const BLOCK_TXS = 200;
/** Rounds that are not counted, at each size. */
const WARM_UP = 3;

/**
 * How much longer a breach takes with a million appointments held than with a thousand: the quotient of the medians.
 *
 * The same rounds as of `breach` at each size, by a tower that was started on a log of it; and in the details, what
 * looking up a block of 4,000 transactions takes the watchlist alone, in this process, up to ten million. The limit is 1: what it
 * takes by hand does not depend on what a tower holds.
 */
export const breachGrowth: Figure = {
  name: 'breach-growth',
  says: `how often as long a breach takes with ${SIZES.at(-1)} appointments as with ${SIZES[0]}`,

  async measure(lab) {
    const sizes = Array.from(new Set(SIZES.map((size) => Math.min(size, lab.options.most))));
    const stage = await lab.stage();
    const [user] = await registerUsers([natsWay(await stage.connectClient())], stage.towerId, 1);
    if (!user) throw new TypeError('there is no user');
    const log = new LongLog(await stage.connectNode());
    await log.register(HOLDERS);
    const count = sizes.length * (lab.options.rounds + WARM_UP);
    lab.say(`opening ${3 * count} channels`);
    const rounds = await BreachRounds.prepare(stage, { count, blockTxs: BLOCK_TXS });
    try {
      const steps: Step[] = [];
      for (const size of sizes) steps.push(await measureAt(size, { stage, log, rounds, user, count }, lab));
      return report(steps, stage, lab);
    } finally {
      rounds.close();
    }
  },
};

interface Step {
  readonly size: number;
  readonly ms: number;
  readonly worst: number;
  readonly byHand: number;
}

interface Scene {
  readonly stage: Stage;
  readonly log: LongLog;
  readonly rounds: BreachRounds;
  readonly user: User;
  /** Of the breaches of all sizes: a tower by its defaults has no room for more than a million appointments. */
  readonly count: number;
}

async function measureAt(size: number, { stage, log, rounds, user, count }: Scene, lab: Lab): Promise<Step> {
  await stage.tower.stop();
  await log.growTo(Math.max(1, size - count));
  await stage.startTower();
  await stage.tower.untilReady();
  for (let i = 0; i < WARM_UP; i++) await rounds.play(user);
  const played = [];
  while (played.length < lab.options.rounds) played.push(await rounds.play(user));
  const towers = played.map(({ tower }) => tower);
  const byHand = median(played.map((one) => one.byHand));
  const step = { size, ms: median(towers), worst: Math.max(...towers), byHand };
  lab.say(`${size}: ${round(step.ms)} ms, by hand ${round(step.byHand)} ms`);
  return step;
}

/** What looking up a block takes at each size, in ms. */
function lookUps(sizes: readonly number[], lab: Lab) {
  const lookUp = new LookUp();
  const measured = sizes.map((size) => {
    lab.say(`looking a block up among ${size}`);
    lookUp.growTo(size);
    return { appointments: size, ms: round(lookUp.measure()) };
  });
  return { look_up_4000_txs: measured, longest_insertion_ms: round(lookUp.longest) };
}

function report(steps: readonly Step[], { tower }: Stage, lab: Lab): Measured {
  const { options } = lab;
  const [first, last] = [steps[0], steps.at(-1)];
  return {
    value: (last?.ms ?? Number.NaN) / (first?.ms ?? Number.NaN),
    unit: 'times',
    limit: 1,
    errors: [],
    details: {
      sizes: steps.map(({ size, ms, worst, byHand }) => ({
        appointments: size,
        ms: round(ms),
        worst_ms: round(worst),
        by_hand_ms: round(byHand),
      })),
      ...lookUps([...steps.map(({ size }) => size), ...(options.most < LARGEST ? [] : [LARGEST])], lab),
      rounds: options.rounds,
      block_txs: BLOCK_TXS,
      tower_complaints: tower.complaints().length,
    },
  };
}
