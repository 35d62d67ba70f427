import { availableParallelism } from 'node:os';
import type { Figure, Lab, Measured } from '../figure.js';
import type { AppendLimit } from '../limits/append.js';
import { appendLimit, BLOB_BYTES, LIMIT_SECONDS } from '../limits/append-like-tower.js';
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
const LEAD_MS = 2_000;

/**
 * Appointments accepted per second through the NATS gateway, by many users at once, every receipt verified.
 *
 * The load comes from this process, so it shares the machine's cores with the tower and the server; it signs beforehand
 * and verifies afterwards. The limit is the smaller of two: what the cores that server and load leave to the node recover
 * and sign; and what the same server takes durably from the bare client in atomic batches of the same bytes, measured
 * before and after.
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
    const warmUp = await run(await prepare(users, 4_000, BLOB_BYTES), { inFlight: IN_FLIGHT, leadMs: 0, ms: 60_000 });
    lab.say('measuring the limits');
    const signing = signingRate(BLOB_BYTES, LIMIT_SECONDS);
    const node = await stage.connectNode();
    const limit = await appendLimit(stage, node, users, IN_FLIGHT);
    const before = await rates(limit);
    const rate = warmUp.answered / warmUp.seconds;
    const requests = await prepare(users, Math.ceil(rate * 2.5 * (lab.options.seconds + LEAD_MS / 1000)), BLOB_BYTES);
    lab.say(`sustaining for ${lab.options.seconds} s`);
    const { load, used } = await sustain(stage, requests, lab);
    const after = await rates(limit);
    return report(load, used, { signing, before, after }, [...warmUp.errors, ...load.errors], stage);
  },
};

/** What the log takes: in atomic batches, and one by one. */
const rates = async (limit: AppendLimit): Promise<Rates> => ({
  batched: await limit.batchedRate(),
  single: await limit.rate(),
});

interface Rates {
  readonly batched: number;
  readonly single: number;
}

type Used = ReturnType<ReturnType<Stage['cpuSince']>>;

async function sustain(stage: Stage, requests: readonly Prepared[], { options }: Lab) {
  let measureCpu: (() => Used) | undefined;
  let used: Used;
  const load = await run(requests, {
    inFlight: IN_FLIGHT,
    leadMs: LEAD_MS,
    ms: options.seconds * 1000,
    onBegin: () => (measureCpu = stage.cpuSince()),
    onEnd: () => (used = measureCpu?.()),
  });
  return { load, used };
}

interface Limits {
  /** Of one core. */
  readonly signing: number;
  readonly before: Rates;
  readonly after: Rates;
}

/** The cores that the server and the load left to the node; one where that cannot be known. */
function coresLeft(used: Used): number {
  return used ? availableParallelism() - (used.by.nats + used.by.load) / used.seconds : 1;
}

function report(
  load: Load,
  used: Used,
  { signing, before, after }: Limits,
  errors: readonly Error[],
  { tower }: Stage,
): Measured {
  const batched = mean([before.batched, after.batched]);
  const single = mean([before.single, after.single]);
  const recoverAndSign = signing * coresLeft(used);
  const perThousand = (seconds: number) => round((seconds / load.answered) * 1000);
  return {
    value: load.answered / load.seconds,
    unit: 'appointments/s',
    limit: Math.min(recoverAndSign, batched),
    errors,
    details: {
      limit_recover_and_sign: round(recoverAndSign),
      limit_recover_and_sign_one_core: round(signing),
      limit_log_in_batches: round(batched),
      limit_log_in_batches_before_and_after: [round(before.batched), round(after.batched)],
      log_one_by_one: round(single),
      log_one_by_one_before_and_after: [round(before.single), round(after.single)],
      p50_ms: round(quantile(load.latencies, 0.5)),
      p99_ms: round(quantile(load.latencies, 0.99)),
      ...(used && {
        tower_cpu_s_per_1000: perThousand(used.by.tower),
        nats_cpu_s_per_1000: perThousand(used.by.nats),
        load_cpu_s_per_1000: perThousand(used.by.load),
        cores_busy_with_other_things: round(used.byOthers / used.seconds, 2),
      }),
      seconds: round(load.seconds),
      appointments: load.answered,
      tower_complaints: tower.complaints().length,
    },
  };
}
