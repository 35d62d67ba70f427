import type { Figure, Lab, Measured } from '../figure.js';
import { natsWay } from '../load/way.js';
import { LookUp } from '../measure/look-up.js';
import { median, round } from '../measure/statistics.js';
import { BLOCK_TXS, BREACHES, BreachRounds, lastOf } from '../stage/breach-rounds.js';
import { LongLog } from '../stage/long-log.js';
import type { Stage } from '../stage/stage.js';
import { registerUsers, type User } from '../stage/users.js';

const SIZES = [1_000, 10_000, 100_000, 1_000_000];
/** And of the watchlist alone. */
const LARGEST = 10_000_000;
const HOLDERS = 1_000;
/** Blocks at each size: more than these take too long. */
const MOST_BLOCKS = 20;
/** Blocks that are not counted, at each size. */
const WARM_UP = 3;

/**
 * How much longer a block with ten breaches takes with a million appointments held than with a thousand: the quotient of the
 * medians.
 *
 * The same blocks as of `breach` at each size, by a tower that was started on a log of it; and in the details, what
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
    const blocks = Math.min(MOST_BLOCKS, lab.options.rounds);
    const count = sizes.length * (blocks + WARM_UP);
    lab.say(`opening ${2 * BREACHES * count} channels`);
    const rounds = await BreachRounds.prepare(stage, count);
    try {
      const steps: Step[] = [];
      for (const size of sizes) steps.push(await measureAt(size, { stage, log, rounds, user, count, blocks }, lab));
      return report(steps, blocks, stage, lab);
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
  /** Of the blocks of all sizes: a tower by its defaults has no room for more than a million appointments. */
  readonly count: number;
  /** Of the blocks that are counted at each size. */
  readonly blocks: number;
}

async function measureAt(size: number, { stage, log, rounds, user, count, blocks }: Scene, lab: Lab): Promise<Step> {
  await stage.tower.stop();
  await log.growTo(Math.max(1, size - BREACHES * count));
  await stage.startTower();
  await stage.tower.untilReady();
  for (let i = 0; i < WARM_UP; i++) await rounds.play(user);
  const played = [];
  while (played.length < blocks) played.push(await rounds.play(user));
  const towers = played.map(({ tower }) => lastOf(tower));
  const byHand = median(played.map((one) => lastOf(one.byHand)));
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

function report(steps: readonly Step[], blocks: number, { tower }: Stage, lab: Lab): Measured {
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
      blocks,
      block_txs: BLOCK_TXS,
      breaches: BREACHES,
      tower_complaints: tower.complaints().length,
    },
  };
}
