import { availableParallelism } from 'node:os';
import type { Figure, Measured } from '../figure.js';
import { appendLimit, BLOB_BYTES } from '../limits/append-like-tower.js';
import { signingRate } from '../limits/signing.js';
import { type Load, run } from '../load/load.js';
import { type Prepared, prepare } from '../load/prepared.js';
import { natsWay } from '../load/way.js';
import { mean, quantile, round } from '../measure/statistics.js';
import type { Stage } from '../stage/stage.js';
import { registerUsers } from '../stage/users.js';

const IN_FLIGHT = 256;
/** Many more than are in flight, so that hardly ever two requests of one user meet. */
const USERS = 1_000;
const CONNECTIONS = 8;
const LEAD_MS = 500;
/** Appointments that are not counted: the tower's code is still being compiled. */
const WARM_UP = 4_000;
/** As many for each second, in a run that is too short for so many. */
const WARM_UP_A_SECOND = 1_200;

/** Tower and limit are measured so often, by turns, since the machine is shared. */
const TURNS = 3;

/**
 * Appointments accepted per second through the NATS gateway, by many users at once, every receipt verified.
 *
 * The load comes from this process, so it shares the machine's cores with the tower and the server; it signs beforehand
 * and verifies afterwards. The limit is the smaller of two: what a node that does nothing but recover and sign could do
 * on the cores that server and load leave to it (`recoverAndSignRate`); and what the same server takes durably from the
 * bare client, blob and commit, in atomic batches of the same bytes.
 */
export const ingest: Figure = {
  name: 'ingest',
  says: 'appointments accepted per second, 1,000 users, 600-byte blobs, 256 in flight',

  async measure(lab) {
    const stage = await lab.stage();
    const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => stage.connectClient()));
    lab.say(`registering ${USERS} users`);
    const users = await registerUsers(connections.map(natsWay), stage.towerId, USERS);
    lab.say('warming up');
    const unmeasured = Math.min(WARM_UP, WARM_UP_A_SECOND * lab.options.seconds);
    const warmUp = await run(await prepare(users, unmeasured, BLOB_BYTES), {
      inFlight: IN_FLIGHT,
      leadMs: 0,
      ms: 60_000,
    });
    const limit = await appendLimit(stage, await stage.connectNode(), users, IN_FLIGHT);
    const single = await limit.rate();
    const ms = (lab.options.seconds * 1000) / TURNS;
    const most = Math.ceil(((warmUp.answered / warmUp.seconds) * 2.5 * (ms + LEAD_MS)) / 1000);
    const turns: Turn[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      lab.say(`turn ${turn + 1} of ${TURNS}`);
      const limits = { batched: await limit.batchedRate(), signing: signingRate(BLOB_BYTES, 1) };
      turns.push({ ...limits, ...(await sustain(stage, await prepare(users, most, BLOB_BYTES), ms)) });
    }
    return report(turns, single, warmUp.errors, stage);
  },
};

interface Turn {
  /** Of the log, in atomic batches. */
  readonly batched: number;
  /** Of one core. */
  readonly signing: number;
  readonly load: Load;
  readonly used: Used;
}

type Used = ReturnType<ReturnType<Stage['cpuSince']>>;

async function sustain(stage: Stage, requests: readonly Prepared[], ms: number) {
  let measureCpu: (() => Used) | undefined;
  let used: Used;
  const load = await run(requests, {
    inFlight: IN_FLIGHT,
    leadMs: LEAD_MS,
    ms,
    onBegin: () => (measureCpu = stage.cpuSince()),
    onEnd: () => (used = measureCpu?.()),
  });
  return { load, used };
}

/** Processor time that an appointment takes of everything but the node, in seconds; none where that cannot be known. */
const othersTime = ({ used, load }: Turn): number => (used ? (used.by.nats + used.by.load) / load.answered : 0);

/**
 * The most appointments a second of a node that does nothing but recover and sign. At a rate R, server and load take R
 * times `othersTime` of the machine's cores; the rest is the node's, and each of its cores recovers and signs for
 * `signing` appointments a second. So R = (cores - R x othersTime) x signing, hence R = cores / (othersTime + 1 / signing).
 */
const recoverAndSignRate = (turn: Turn): number => availableParallelism() / (othersTime(turn) + 1 / turn.signing);

const rateOf = ({ load }: Turn): number => load.answered / load.seconds;

function report(turns: readonly Turn[], single: number, earlier: readonly Error[], { tower }: Stage): Measured {
  const batched = mean(turns.map((turn) => turn.batched));
  const signing = mean(turns.map(recoverAndSignRate));
  const latencies = turns.flatMap(({ load }) => load.latencies);
  return {
    value: mean(turns.map(rateOf)),
    unit: 'appointments/s',
    limit: Math.min(signing, batched),
    errors: [...earlier, ...turns.flatMap(({ load }) => load.errors)],
    details: {
      turns: turns.map((turn) => round(rateOf(turn))),
      limit_log_in_batches: round(batched),
      limit_log_in_batches_turns: turns.map((turn) => round(turn.batched)),
      limit_recover_and_sign: round(signing),
      bound_by: signing < batched ? 'recover and sign' : 'log in batches',
      cores: availableParallelism(),
      recover_and_sign_on_one_core: round(mean(turns.map((turn) => turn.signing))),
      log_one_by_one: round(single),
      p50_ms: round(quantile(latencies, 0.5)),
      p99_ms: round(quantile(latencies, 0.99)),
      ...cpu(turns),
      appointments: latencies.length,
      tower_complaints: tower.complaints().length,
    },
  };
}

/** Processor time, in seconds for a thousand appointments. */
function cpu(turns: readonly Turn[]) {
  const counted = turns.flatMap(({ used, load }) => (used ? [{ used, answered: load.answered }] : []));
  if (counted.length === 0) return {};
  const perThousand = (name: 'tower' | 'nats' | 'load') =>
    round(mean(counted.map(({ used, answered }) => (used.by[name] / answered) * 1000)));
  return {
    tower_cpu_s_per_1000: perThousand('tower'),
    nats_cpu_s_per_1000: perThousand('nats'),
    load_cpu_s_per_1000: perThousand('load'),
    cores_busy_with_other_things: round(mean(counted.map(({ used }) => used.byOthers / used.seconds)), 2),
  };
}
