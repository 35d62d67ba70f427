import type { Figure, Measured } from '../figure.js';
import { residentMemory } from '../measure/memory.js';
import { round } from '../measure/statistics.js';
import { LongLog } from '../stage/long-log.js';
import type { Stage } from '../stage/stage.js';

const SIZES = [1_000_000, 2_200_000];
const USERS = 1_000;
/** Bytes an appointment of the tower that is known to need the least: 69 MB for 2.2 million. */
const BEST_KNOWN = 69e6 / 2.2e6;

/**
 * Bytes of resident memory that a node needs for each appointment, beyond what it needs without any.
 *
 * Each size is a node that was just started, has read the log, and has hashed and signed it. Its garbage is collected first (SIGUSR2, see
 * `memory-probe.ts`); what the system counted as resident before that, and at the most, is in the details. The limit is what
 * the best known tower takes in all.
 */
export const memory: Figure = {
  name: 'memory',
  says: `bytes of resident memory for each appointment, ${SIZES.map((size) => size / 1e6).join(' and ')} million held`,

  async measure(lab) {
    const stage = await lab.stage({ probed: true });
    const empty = await weigh(stage);
    lab.say(`an empty node: ${megabytes(empty.resident)} MB`);
    await stage.tower.stop();
    const log = new LongLog(await stage.connectNode());
    await log.register(USERS);
    const sizes = Array.from(new Set(SIZES.map((size) => Math.min(size, lab.options.most))));
    const weighed: Weighed[] = [];
    for (const size of sizes) {
      lab.say(`putting ${size - log.count} appointments on the log`);
      await log.growTo(size);
      const begun = performance.now();
      await stage.startTower();
      await stage.untilHolding(size);
      const seconds = (performance.now() - begun) / 1000;
      const each = (bytes: number) => (bytes - empty.resident) / size;
      const found = await weigh(stage);
      weighed.push({ size, seconds, ...found, each: each(found.resident), eachBefore: each(found.before) });
      lab.say(`${size}: ${round(each(found.resident))} bytes each, read in ${round(seconds)} s`);
      await stage.tower.stop();
    }
    return report(empty, weighed);
  },
};

type Weight = Awaited<ReturnType<typeof weigh>>;

interface Weighed extends Weight {
  readonly size: number;
  /** From the start of its process until it held them all. */
  readonly seconds: number;
  readonly each: number;
  readonly eachBefore: number;
}

/** What a node has, in bytes, before and after its garbage is collected. */
async function weigh(stage: Stage) {
  const { tower } = stage;
  // The log is hashed for the first tree head when the node is ready: that is to be over.
  await stage.chain.mine(1);
  await stage.untilSigned();
  const { resident: before, highest } = residentMemory(tower.pid);
  const { heapUsed, external } = await tower.collectGarbage();
  return { before, highest, resident: residentMemory(tower.pid).resident, heapUsed, external };
}

function report(empty: Weight, weighed: readonly Weighed[]): Measured {
  const [first, last] = [weighed[0], weighed.at(-1)];
  const grown =
    first && last && last !== first ? (last.resident - first.resident) / (last.size - first.size) : undefined;
  return {
    value: Math.max(...weighed.map(({ each }) => each)),
    unit: 'bytes',
    limit: BEST_KNOWN,
    errors: [],
    details: {
      ...(grown !== undefined && { between_the_sizes: round(grown) }),
      empty_mb: megabytes(empty.resident),
      sizes: weighed.map(({ size, seconds, each, eachBefore, resident, before, highest, heapUsed, external }) => ({
        appointments: size,
        bytes_each: round(each),
        bytes_each_before_collecting: round(eachBefore),
        resident_mb: megabytes(resident),
        before_mb: megabytes(before),
        highest_mb: megabytes(highest),
        heap_mb: megabytes(heapUsed),
        external_mb: megabytes(external),
        read_in_s: round(seconds),
      })),
    },
  };
}

const megabytes = (bytes: number): number => round(bytes / 1e6);
