import { randomBytes } from 'node:crypto';
import type { ClientOperation } from '../../actors/client/courier.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import type { Figure, Lab, Measured } from '../figure.js';
import { DurableAppend } from '../limits/durable-append.js';
import { signingRate } from '../limits/signing.js';
import { HttpWay } from '../load/http-way.js';
import { type Load, run } from '../load/load.js';
import { prepare } from '../load/prepared.js';
import { courierOf, natsWay, type Way } from '../load/way.js';
import { mean, median, round } from '../measure/statistics.js';
import type { Stage } from '../stage/stage.js';
import { randomAppointment, registerUsers, type User } from '../stage/users.js';

const BLOB_BYTES = 600;
const USERS = 512;
const AT_ONCE = [1, 16, 256];
const MOST = 256;
const NATS_CONNECTIONS = 8;
/** Each way is measured so often, by turns, since the machine is shared. */
const TURNS = 3;
const LEAD_MS = 500;
const ROUND_TRIPS = 200;

/**
 * What the HTTP front costs: appointments accepted per second through it with 1, 16 and 256 connections, next to the same
 * through NATS, by turns in the same run; and how long a request takes on an idle tower, and what that time is made of.
 */
export const http: Figure = {
  name: 'http',
  says: 'appointments accepted per second over HTTP with 256 connections; the limit is the same over NATS',

  async measure(lab) {
    const stage = await lab.stage();
    const connections = await Promise.all(Array.from({ length: NATS_CONNECTIONS }, () => stage.connectClient()));
    lab.say(`registering ${USERS} users`);
    const users = await registerUsers(connections.map(natsWay), stage.towerId, USERS);
    lab.say('warming up');
    await overHttp(stage, MOST, async (way) => {
      await run(await prepare(users, 3_000, BLOB_BYTES), { inFlight: MOST, leadMs: 0, ms: 60_000, way });
    });
    const errors: Error[] = [];
    const byCount: Record<string, Compared> = {};
    for (const atOnce of AT_ONCE) byCount[atOnce] = await compare(users, stage, atOnce, lab, errors);
    lab.say('timing single requests on the idle tower');
    return report(byCount, await overHttp(stage, 1, (front) => singleRequests(stage, front)), errors);
  },
};

/** With so many connections of its own, since idle ones are closed. */
async function overHttp<T>({ httpUrl }: Stage, connections: number, act: (front: HttpWay) => Promise<T>): Promise<T> {
  const front = await HttpWay.open(httpUrl, connections);
  try {
    return await act(front);
  } finally {
    front.close();
  }
}

interface Compared {
  readonly http: number;
  readonly nats: number;
}

async function compare(
  users: readonly User[],
  stage: Stage,
  atOnce: number,
  lab: Lab,
  errors: Error[],
): Promise<Compared> {
  const loads: Record<'http' | 'nats', Load[]> = { http: [], nats: [] };
  const ms = (lab.options.seconds * 1000) / TURNS;
  for (let turn = 0; turn < TURNS; turn++)
    for (const way of ['http', 'nats'] as const) {
      lab.say(`${atOnce} at once over ${way}`);
      const requests = await prepare(
        users,
        Math.ceil((Math.min(4_000, 1_500 * atOnce) * (ms + LEAD_MS)) / 1000),
        BLOB_BYTES,
      );
      const options = { inFlight: atOnce, leadMs: LEAD_MS, ms };
      const load =
        way === 'http'
          ? await overHttp(stage, atOnce, (front) => run(requests, { ...options, way: front }))
          : await run(requests, options);
      loads[way].push(load);
      errors.push(...load.errors);
    }
  const rate = (some: readonly Load[]) => mean(some.map(({ answered, seconds }) => answered / seconds));
  return { http: rate(loads.http), nats: rate(loads.nats) };
}

/** Medians, in ms, of requests one at a time: by each way, and of the parts that any way of doing it has. */
async function singleRequests(stage: Stage, front: HttpWay) {
  const [node, nc] = [await stage.connectNode(), await stage.connectClient()];
  const blob = new Uint8Array(randomBytes(BLOB_BYTES));
  const append = await DurableAppend.prepare(node, stage.towerId);
  const parts = {
    an_http_exchange: await timed(() => front.ping()),
    a_durable_append_of_the_blob: await timed(() => append.append(blob)),
    a_durable_append_of_the_commit: await timed(() => append.append(blob)),
    recover_and_sign: round(1000 / signingRate(BLOB_BYTES, 1), 3),
  };
  return { over_http: await requestTimes(front, stage), over_nats: await requestTimes(natsWay(nc), stage), parts };
}

/** The time of each kind of request, the client's own signing and verifying left out. */
async function requestTimes(way: Way, { towerId }: Stage) {
  const times = new Map<ClientOperation, number[]>();
  const timing: Way = {
    async send(operation, body) {
      const begun = performance.now();
      const answer = await way.send(operation, body);
      times.set(operation, [...(times.get(operation) ?? []), performance.now() - begun]);
      return answer;
    },
  };
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const client = new TowerClient(courierOf(timing), { towerId, secretKey: new Uint8Array(randomBytes(32)) });
    await client.register();
    const { locator } = await client.addAppointment(randomAppointment(BLOB_BYTES));
    await client.getAppointment(locator);
  }
  return Object.fromEntries(Array.from(times, ([operation, some]) => [operation, round(median(some))]));
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const begun = performance.now();
    await act();
    times.push(performance.now() - begun);
  }
  return round(median(times));
}

function report(
  byCount: Readonly<Record<string, Compared>>,
  single: Awaited<ReturnType<typeof singleRequests>>,
  errors: readonly Error[],
): Measured {
  const { http: value, nats: limit } = byCount[MOST] ?? { http: 0, nats: 0 };
  const compared = Object.entries(byCount).map(([atOnce, { http, nats }]) => [
    `connections_${atOnce}`,
    { http: round(http), nats: round(nats), ratio: round(http / nats) },
  ]);
  const { over_http, over_nats, parts } = single;
  const details = { ...Object.fromEntries(compared), median_ms: { over_http, over_nats, made_of: parts } };
  return { value, unit: 'appointments/s', limit, errors, details };
}
