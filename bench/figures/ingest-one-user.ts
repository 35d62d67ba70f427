import type { Figure, Measured } from '../figure.js';
import { appendLimit, BLOB_BYTES } from '../limits/append-like-tower.js';
import { DurableAppend } from '../limits/durable-append.js';
import { type Prepared, prepare } from '../load/prepared.js';
import { natsWay } from '../load/way.js';
import { median, quantile, round } from '../measure/statistics.js';
import type { Stage } from '../stage/stage.js';
import { randomAppointment, registerUsers } from '../stage/users.js';

/** Rounds that are not counted: the tower's code is still being compiled; the first 500 take a tenth longer than later ones. */
const WARM_UP = 1500;
/** As many for each second, in a run that is too short for so many. */
const WARM_UP_A_SECOND = 150;
/** More than can be made in a second. */
const MOST_A_SECOND = 500;

/**
 * Milliseconds from a request to its receipt: one client, one request at a time, on a tower that has nothing else to do.
 *
 * The limit is what the log needs for the same: the bare client stores a blob, awaits the ack, stores a commit, awaits the
 * ack. Each round times both, and a single append besides, so that a busy moment of the machine hits all three alike.
 */
export const ingestOneUser: Figure = {
  name: 'ingest-one-user',
  says: 'milliseconds from a request to its receipt, one user, one request at a time',

  async measure(lab) {
    const stage = await lab.stage();
    const users = await registerUsers([natsWay(await stage.connectClient())], stage.towerId, 1);
    const node = await stage.connectNode();
    const limit = await appendLimit(stage, node, users, 1);
    const append = await DurableAppend.prepare(node, stage.towerId);
    const blob = randomAppointment(BLOB_BYTES).encryptedBlob;
    const warmUp = Math.min(WARM_UP, WARM_UP_A_SECOND * lab.options.seconds);
    const requests = await prepare(users, warmUp + MOST_A_SECOND * lab.options.seconds, BLOB_BYTES);
    lab.say(`asking for ${lab.options.seconds} s`);
    const times: Times = { request: [], blobThenCommit: [], append: [] };
    const answers: [Prepared, Awaited<ReturnType<Prepared['send']>>][] = [];
    let end = Number.POSITIVE_INFINITY;
    for (const [i, request] of requests.entries()) {
      if (i === warmUp) end = performance.now() + lab.options.seconds * 1000;
      if (performance.now() > end) break;
      const round = {
        request: await timed(async () => answers.push([request, await request.send()])),
        blobThenCommit: await timed(() => limit.appoint(0)),
        append: await timed(() => append.append(blob)),
      };
      if (i >= warmUp) for (const what of names) times[what].push(round[what]);
    }
    const errors: Error[] = [];
    for (const [request, answer] of answers) await request.check(answer).catch((error) => errors.push(error));
    return report(times, errors, stage);
  },
};

const names = ['request', 'blobThenCommit', 'append'] as const;
type Times = Readonly<Record<(typeof names)[number], number[]>>;

async function timed(act: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await act();
  return performance.now() - begun;
}

function report({ request, blobThenCommit, append }: Times, errors: readonly Error[], { tower }: Stage): Measured {
  return {
    value: median(request),
    unit: 'ms',
    limit: median(blobThenCommit),
    errors,
    details: {
      p90_ms: round(quantile(request, 0.9)),
      p99_ms: round(quantile(request, 0.99)),
      one_append_ms: round(median(append)),
      ratio_to_one_append: round(median(request) / median(append)),
      rounds: request.length,
      tower_complaints: tower.complaints().length,
    },
  };
}
