import { parentPort, workerData } from 'node:worker_threads';
import pino from 'pino';
import { AuthCallout } from './auth-callout/auth-callout.js';
import { issuerOf } from './auth-callout/issuer.js';
import { Admission } from './gateway/admission.js';
import type { Answer } from './gateway/answers.js';
import { Bystander } from './gateway/bystander.js';
import { type DoorSetting, type FromDoors, fromWire, monotonicMs, type ToDoors } from './gateway/door-wire.js';
import { HttpDoor } from './gateway/http-door.js';
import { ListenError } from './gateway/http-listener.js';
import { parseProxies } from './gateway/http-source.js';
import { Lanes } from './gateway/lanes.js';
import { NatsDoor } from './gateway/nats-door.js';
import { RateLimiter } from './gateway/rate-limiter.js';
import { RefusalTally } from './gateway/refusal-tally.js';
import { RequestLog } from './gateway/request-log.js';
import { Standstill } from './gateway/standstill.js';
import { connectPatiently, flushPatiently } from './nats-connection.js';
import { inTime } from './runtime/in-time.js';
import { logLimits } from './runtime/log-limits.js';

/**
 * The thread of doors: has the HTTP doors, and the NATS door with a connection of its own, over which it also signs clients in, so that
 * whatever clients send is read, taken apart, counted and refused here; a bounded number of requests at a time goes on to the node. It
 * ends when it was told to close, and with an error when it cannot go on; `DoorThread` starts it anew.
 */

/** How often the node is told what was refused here, in ms. */
const TELL_MS = 1_000;
/** How long the NATS server has to take the last answers, in ms. */
const LAST_FLUSH_MS = 1_000;

const setting: DoorSetting = workerData;
const { version, maxConnections, maxConnectionsPerSource, tls, patience } = setting;
let { standing } = setting;
/** As they are at any time. */
const limits = { ...standing.limits };
const say = (said: FromDoors): void => parentPort?.postMessage(said);
const log = pino(
  { level: setting.logLevel, base: null, timestamp: false, ...logLimits() },
  { write: (line) => say({ kind: 'line', line }) },
);
const nc = await connectPatiently(setting.nats, log);
/** From the beginning: who is signed in may ask what the tower is doing. */
const signIn = new AuthCallout(nc, { issuer: issuerOf(setting.nats.seed), log: log.child({ actor: 'auth-callout' }) });
signIn.open();
const standstill = new Standstill(() => nc.flush(), log);
const asked = new Map<number, (answer: Answer) => void>();
let count = 0;

const bystander = new Bystander(setting.stretch);
const refusals = new RefusalTally();
const telling = setInterval(tellRefusals, TELL_MS);

const lanes = new Lanes({
  limits,
  bystander,
  requests: new RequestLog(log, refusals),
  limiter: new RateLimiter(limits),
  isLate: () => standstill.isRecent,
  pass: (operation, body, caller, came) => {
    const id = count++;
    // What was read together lies in one memory, which would be copied as a whole.
    const own = new Uint8Array(body);
    const cameMs = monotonicMs() - (performance.now() - came);
    say({ kind: 'request', id, operation, body: own, caller, came: cameMs });
    return new Promise((resolve) => asked.set(id, resolve));
  },
});
const admission = new Admission({
  isAble: () => standing.isOn && standing.isAble,
  mostInside: maxConnections,
  mostOfSource: maxConnectionsPerSource,
});
const proxies = parseProxies(setting.trustedProxies);
const natsDoor = new NatsDoor(nc, lanes.lane(), { version, info: () => standing.info, log });
const pem = tls && { cert: Buffer.from(tls.cert), key: Buffer.from(tls.key) };
const httpDoors = setting.http.map(
  ({ dialect, ...address }) =>
    new HttpDoor({ gateway: lanes.lane(), admission, address, dialect, proxies, tls: pem, patience, log }),
);

/** One after another: a door that is closing cannot be opened. */
let turning: Promise<unknown> = Promise.resolve();
let isOpen = false;
let isOn = false;

/** Opens the NATS door, or closes it, as the node wants it. */
function turn(): Promise<void> {
  const turned = turning.then(async () => {
    const wanted = isOpen && standing.isOn;
    if (wanted !== isOn) await (wanted ? natsDoor.open() : natsDoor.close());
    if (wanted) await flushPatiently(nc);
    isOn = wanted;
    say({ kind: 'turned', isOn });
  });
  turning = turned.catch(() => undefined);
  return turned;
}

function tellRefusals(): void {
  const taken = refusals.take();
  if (taken.length > 0) say({ kind: 'refused', refusals: taken });
}

async function open(): Promise<void> {
  isOpen = true;
  try {
    await Promise.all([turn(), ...httpDoors.map((door) => door.open())]);
    say({ kind: 'opened', addresses: httpDoors.map(({ address }) => address) });
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    say({ kind: 'cannot-listen', why: error.message });
  }
}

async function close(): Promise<void> {
  admission.close();
  isOpen = false;
  await Promise.all([turn(), ...httpDoors.map((door) => door.close())]);
  signIn.close();
  standstill.stop();
  clearInterval(telling);
  tellRefusals();
  closing = true;
  // The last answers may be on their way; a server that does not take them is not waited for.
  await inTime(nc.flush(), LAST_FLUSH_MS);
  await nc.close();
  say({ kind: 'closed' });
  parentPort?.close();
}

let closing = false;

function die(error: unknown): void {
  // Thrown where nobody catches it.
  setImmediate(() => {
    throw error;
  });
}

function hear(said: ToDoors): void {
  switch (said.kind) {
    case 'answer':
      asked.get(said.id)?.(fromWire(said));
      asked.delete(said.id);
      break;
    case 'standing':
      if (said.standing.isOn !== standing.isOn && isOpen) void turn().catch(die);
      standing = said.standing;
      Object.assign(limits, standing.limits);
      admission.review();
      break;
    case 'open':
      void open().catch(die);
      break;
    case 'close':
      void close().catch(die);
      break;
  }
}

void nc.closed().then((error) => {
  if (!closing) die(error ?? new Error('the connection to NATS was closed'));
});
parentPort?.on('message', hear);
