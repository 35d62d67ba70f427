import type { Shard } from '../../events/ids.js';
import { towerStream } from '../../events/log/streams.js';
import type { Figure, Measured } from '../figure.js';
import { bareConsumeRates } from '../limits/bare-consume.js';
import { mean, median, round } from '../measure/statistics.js';
import { LongLog } from '../stage/long-log.js';
import type { Stage } from '../stage/stage.js';

const EVENTS = 1_000_000;
const USERS = 1_000;
/** Tower and limit are measured so often, by turns, since the machine is shared. */
const TURNS = 3;

/**
 * Events a second that a node which has nothing reads, checks and folds, from its start (when its program is loaded and
 * says so) until it is level with the log and answers clients.
 *
 * The limit is the bare `nats` client that consumes the same stream of the same server from the first to the last message and
 * does nothing with them, in whichever of its ways is the faster: a push consumer with flow control, or a pull consumer
 * that is asked for large batches.
 */
export const replay: Figure = {
  name: 'replay',
  says: `events a second, ${EVENTS / 1e6} million appointments replayed by a node that starts with nothing`,

  async measure(lab) {
    const stage = await lab.stage({ snapshots: false });
    await stage.tower.stop();
    const nc = await stage.connectNode();
    const log = new LongLog(nc);
    const count = Math.min(EVENTS, lab.options.most);
    lab.say(`putting ${count} appointments on the log`);
    await log.register(USERS);
    await log.growTo(count);
    const turns: Turn[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      const bare = await bareConsumeRates(await stage.connectNode(), towerStream(0 as Shard));
      const replayed = await replayOnce(stage, USERS + count);
      turns.push({ ...bare, ...replayed });
      lab.say(`${round(replayed.rate)} events/s, bare ${round(bare.push)} (push), ${round(bare.pull)} (pull)`);
    }
    return report(turns, stage);
  },
};

interface Turn {
  /** Messages a second, by the bare client. */
  readonly push: number;
  readonly pull: number;
  /** Events a second, by the tower. */
  readonly rate: number;
  readonly used: ReturnType<ReturnType<Stage['cpuSince']>>;
}

async function replayOnce(stage: Stage, events: number): Promise<Pick<Turn, 'rate' | 'used'>> {
  const launched = Date.now();
  await stage.startTower();
  const { tower } = stage;
  const used = stage.cpuSince();
  await tower.untilReady();
  const cpu = used();
  await stage.untilHolding(events - USERS);
  const at = (what: string) =>
    tower.log().find(({ msg, time }) => msg === what && time >= launched)?.time ?? Number.NaN;
  await tower.stop();
  return { rate: events / ((at('node is level with the log') - at('node starts')) / 1000), used: cpu };
}

function report(turns: readonly Turn[], { tower }: Stage): Measured {
  const middle = (of: (turn: Turn) => number) => median(turns.map(of));
  const [push, pull] = [middle(({ push }) => push), middle(({ pull }) => pull)];
  const used = turns.flatMap(({ used }) => (used ? [used] : []));
  return {
    value: middle(({ rate }) => rate),
    unit: 'events/s',
    limit: Math.max(push, pull),
    errors: [],
    details: {
      limit_is: push > pull ? 'push consumer with flow control' : 'pull consumer',
      push: round(push),
      pull: round(pull),
      turns: turns.map(({ push, pull, rate }) => ({ push: round(push), pull: round(pull), value: round(rate) })),
      ...(used.length > 0 && {
        tower_cpu_s: round(mean(used.map(({ by }) => by.tower))),
        nats_cpu_s: round(mean(used.map(({ by }) => by.nats))),
        cores_busy_with_other_things: round(mean(used.map(({ byOthers, seconds }) => byOthers / seconds)), 2),
      }),
      tower_complaints: tower.complaints().length,
    },
  };
}
