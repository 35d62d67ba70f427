import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Shard } from '../../events/ids.js';
import { towerStream } from '../../events/log/streams.js';
import type { Figure, Lab, Measured } from '../figure.js';
import { median, round } from '../measure/statistics.js';
import { LongLog } from '../stage/long-log.js';
import type { Stage } from '../stage/stage.js';

const HELD = 1_000_000;
const TAIL = 10_000;
const USERS = 1_000;
const ROUNDS = 5;
const STREAM = towerStream(0 as Shard);

/**
 * Seconds from the start of a node's process until it is ready, with a million appointments: from a snapshot, and the events
 * that came after it.
 *
 * The limit is what cannot be saved: an empty node's start, on the same servers, and the reading of the snapshot's bytes. For
 * comparison: the same start without a snapshot, and with the one that nodes share, fetched from NATS.
 */
export const restart: Figure = {
  name: 'restart',
  says: `seconds until a node is ready, ${HELD / 1e6} million appointments held, from a snapshot and ${TAIL} events`,

  async measure(lab) {
    const stage = await lab.stage();
    const empty = await restarts(stage);
    lab.say(`an empty node is ready after ${round(median(empty))} s`);
    await stage.tower.stop();
    const log = new LongLog(await stage.connectNode());
    await log.register(USERS);
    const held = Math.min(HELD, lab.options.most);
    lab.say(`putting ${held} appointments on the log`);
    await log.growTo(held - TAIL);
    const { made, bytes } = await makeSnapshot(stage, lab);
    await stage.tower.stop();
    await log.growTo(held);
    const begun = await restarts(stage);
    const last = await stage.tower.untilSays('begins with a snapshot', { stream: STREAM });
    await stage.untilHolding(held);
    await stage.tower.stop();
    const reading = median(Array.from({ length: ROUNDS }, () => secondsToRead(stage)));
    rmSync(stage.snapshots, { recursive: true });
    await stage.startTower();
    const shared = (await stage.tower.untilReady()) / 1000;
    const isShared =
      (await stage.tower.untilSays('begins with a snapshot', { stream: STREAM })).position === last.position;
    await stage.tower.stop();
    await emptyBucket(stage);
    await stage.startTower();
    const replay = (await stage.tower.untilReady()) / 1000;
    const details = { empty, begun, reading, shared, replay, held, made, bytes };
    return report(details, isShared ? [] : [new Error('the node did not begin with the shared snapshot')]);
  },
};

/** Seconds that each of some starts took. */
async function restarts(stage: Stage): Promise<number[]> {
  const seconds: number[] = [];
  for (let n = 0; n < ROUNDS; n++) {
    await stage.tower.stop();
    await stage.startTower();
    seconds.push((await stage.tower.untilReady()) / 1000);
  }
  return seconds;
}

/** Has the node make one, as it does by itself; gives how long that took it, in seconds. */
async function makeSnapshot(stage: Stage, lab: Lab) {
  await stage.startTower();
  const replay = await stage.tower.untilReady();
  lab.say(`read in ${round(replay / 1000)} s; waiting for the snapshot`);
  const level = await stage.tower.untilSays('node is level with the log');
  const { time } = await stage.tower.untilSays('a snapshot is made', { stream: STREAM });
  await stage.tower.untilSays('a snapshot is shared', { stream: STREAM });
  return { made: (time - level.time) / 1000, bytes: statSync(snapshotOf(stage)).size };
}

const snapshotOf = ({ snapshots }: Stage): string => join(snapshots, `${STREAM}.snapshot`);

function secondsToRead(stage: Stage): number {
  const begun = performance.now();
  readFileSync(snapshotOf(stage));
  return (performance.now() - begun) / 1000;
}

async function emptyBucket(stage: Stage): Promise<void> {
  rmSync(stage.snapshots, { recursive: true, force: true });
  const jsm = await (await stage.connectNode()).jetstreamManager();
  await jsm.streams.purge('OBJ_SNAPSHOTS');
}

interface Restarts {
  readonly empty: readonly number[];
  readonly begun: readonly number[];
  readonly reading: number;
  readonly shared: number;
  readonly replay: number;
  readonly held: number;
  readonly made: number;
  readonly bytes: number;
}

const report = ({ empty, begun, reading, held, bytes, ...more }: Restarts, errors: readonly Error[]): Measured => ({
  value: median(begun),
  unit: 's',
  limit: median(empty) + reading,
  errors,
  details: {
    appointments: held,
    tail: TAIL,
    snapshot_mb: round(bytes / 1e6),
    empty_s: round(median(empty)),
    reading_s: round(reading),
    with_shared_snapshot_s: round(more.shared),
    by_replay_s: round(more.replay),
    made_in_s: round(more.made),
    rounds_s: begun.map((seconds) => round(seconds)),
  },
});
