import type { Figure, Lab, Measured } from '../figure.js';
import { appendLimit, BLOB_BYTES, LIMIT_SECONDS } from '../limits/append-like-tower.js';
import { signingRate } from '../limits/signing.js';
import { type Load, run } from '../load/load.js';
import { type Prepared, prepare } from '../load/prepared.js';
import { natsWay } from '../load/way.js';
import { mean, quantile, round } from '../measure/statistics.js';
import type { Stage } from '../stage/stage.js';
import { registerUsers } from '../stage/users.js';

const IN_FLIGHT = 256;
/** Twice what is in flight, so that hardly ever two requests of one user meet. */
const USERS = 2 * IN_FLIGHT;
const CONNECTIONS = 8;
const LEAD_MS = 2_000;

/**
 * Appointments accepted per second through the NATS gateway, by many users at once, every receipt verified.
 *
 * The load comes from this process, so it shares the machine's cores with the tower and the server; it signs beforehand
 * and verifies afterwards. The limit is the smaller of what one core recovers and signs, and what the same server takes
 * durably from the bare client, measured before and after.
 */
export const ingest: Figure = {
  name: 'ingest',
  says: 'appointments accepted per second, 512 users, 600-byte blobs, 256 in flight',

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
    const before = await limit.rate();
    const batched = await limit.batchedRate();
    const rate = warmUp.answered / warmUp.seconds;
    const requests = await prepare(users, Math.ceil(rate * 2.5 * (lab.options.seconds + LEAD_MS / 1000)), BLOB_BYTES);
    lab.say(`sustaining for ${lab.options.seconds} s`);
    const { load, used } = await sustain(stage, requests, lab);
    const after = await limit.rate();
    return report(load, used, { signing, before, after, batched }, [...warmUp.errors, ...load.errors], stage);
  },
};

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
  readonly signing: number;
  readonly before: number;
  readonly after: number;
  readonly batched: number;
}

function report(
  load: Load,
  used: Used,
  { signing, before, after, batched }: Limits,
  errors: readonly Error[],
  { tower }: Stage,
): Measured {
  const append = mean([before, after]);
  const perThousand = (seconds: number) => round((seconds / load.answered) * 1000);
  return {
    value: load.answered / load.seconds,
    unit: 'appointments/s',
    limit: Math.min(signing, append),
    errors,
    details: {
      limit_recover_and_sign: round(signing),
      limit_log_append: round(append),
      limit_log_append_before_and_after: [round(before), round(after)],
      log_append_in_atomic_batches: round(batched),
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
