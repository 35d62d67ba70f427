import type { BlockHash } from '../../events/ids.js';
import { Filler } from '../chain/filler.js';
import type { Figure, Lab, Measured } from '../figure.js';
import { bareRpc } from '../limits/by-hand.js';
import { round } from '../measure/statistics.js';
import type { Stage } from '../stage/stage.js';

/** What was missed: many small blocks (the coinbase alone), and full ones. */
const SMALL = 10_000;
const FULL = 200;
const TXS = 4_000;
/** Blocks mined by one call, so that it ends in time. */
const AT_ONCE = 500;

/**
 * Blocks a second that a tower catches up with, from its start (when its program is loaded and says so) until every block
 * is connected and scanned.
 *
 * The limit is what bitcoind itself needs to hand the same blocks out: `getblock` with verbosity 1, one after another, by
 * plain HTTP, in the same run, after the tower is done: neither finds the other's work in a cache, since bitcoind has none
 * for blocks beyond the system's own.
 */
export const catchUp: Figure = {
  name: 'catch-up',
  says: `blocks a second, ${SMALL} missed small ones; in the details, ${FULL} of ${TXS} transactions`,

  async measure(lab) {
    const stage = await lab.stage();
    // First, while a block is worth something: on regtest that is halved every 150 blocks.
    lab.say(`making ${FULL} blocks of ${TXS} transactions`);
    const filler = await Filler.fund(stage.chain, TXS - 1);
    await stage.untilLevel();
    await stage.tower.stop();
    const full = await catchUpWith(stage, await mineFull(stage, filler, lab));
    lab.say(`${round(full.rate)} blocks/s of ${TXS} transactions, limit ${round(full.limit)}`);
    lab.say(`mining ${SMALL} blocks`);
    await stage.tower.stop();
    const missed: BlockHash[] = [];
    while (missed.length < SMALL) missed.push(...(await stage.chain.mine(Math.min(AT_ONCE, SMALL - missed.length))));
    const small = await catchUpWith(stage, missed);
    return report(small, full, stage);
  },
};

interface CaughtUp {
  /** Blocks a second, from the tower's start. */
  readonly rate: number;
  readonly limit: number;
  readonly seconds: number;
  readonly cpu: Readonly<Record<string, number>>;
}

async function mineFull({ chain }: Stage, filler: Filler, lab: Lab): Promise<BlockHash[]> {
  const hashes: BlockHash[] = [];
  while (hashes.length < FULL) {
    hashes.push(await chain.mineOnly(filler.next()));
    if (hashes.length % 50 === 0) lab.say(`${hashes.length} of ${FULL}`);
  }
  return hashes;
}

/** Starts the tower, which missed these blocks, the highest of which is bitcoind's tip. */
async function catchUpWith(stage: Stage, missed: readonly BlockHash[]): Promise<CaughtUp> {
  const launched = Date.now();
  await stage.startTower();
  const used = stage.cpuSince();
  await stage.untilScanned();
  const done = Date.now();
  const begun = stage.tower.log().find(({ msg, time }) => msg === 'node starts' && time >= launched)?.time ?? launched;
  const seconds = (done - begun) / 1000;
  const cpu = used()?.by ?? {};
  return { rate: missed.length / seconds, limit: await ratesByHand(stage, missed), seconds, cpu };
}

async function ratesByHand({ bitcoind }: Stage, hashes: readonly BlockHash[]): Promise<number> {
  const { call, close } = bareRpc(bitcoind);
  try {
    const begun = performance.now();
    for (const hash of hashes) await call('getblock', hash, 1);
    return hashes.length / ((performance.now() - begun) / 1000);
  } finally {
    close();
  }
}

const report = (small: CaughtUp, full: CaughtUp, { tower }: Stage): Measured => ({
  value: small.rate,
  unit: 'blocks/s',
  limit: small.limit,
  errors: [],
  details: {
    blocks: SMALL,
    seconds: round(small.seconds),
    full_blocks: FULL,
    full_block_txs: TXS,
    full_value: round(full.rate),
    full_limit: round(full.limit),
    full_ratio: round(full.rate / full.limit),
    full_seconds: round(full.seconds),
    cpu_s: rounded(small.cpu),
    full_cpu_s: rounded(full.cpu),
    tower_complaints: tower.complaints().length,
  },
});

const rounded = (cpu: CaughtUp['cpu']) =>
  Object.fromEntries(Object.entries(cpu).map(([name, seconds]) => [name, round(seconds)]));
