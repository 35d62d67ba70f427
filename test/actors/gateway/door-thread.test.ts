import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { ErrorCode, type NatsError } from 'nats';
import pino from 'pino';
import type { Answer } from '../../../actors/gateway/answers.js';
import { DoorThread } from '../../../actors/gateway/door-thread.js';
import type { Standing } from '../../../actors/gateway/door-wire.js';
import { CREDIT } from '../../../actors/gateway/endpoint.js';
import { ListenError } from '../../../actors/gateway/http-listener.js';
import { MOST_UNDER_WAY, MOST_WAITING } from '../../../actors/gateway/lanes.js';
import { MAX_BLOB_BYTES } from '../../../actors/gateway/requests.js';
import { Precedence } from '../../../actors/runtime/precedence.js';
import { publicSubjects } from '../../../actors/wire.js';
import { startTestNats } from '../../support/nats.js';
import type { Cleanup } from '../../support/temp-dir.js';
import { until } from '../../support/until.js';

/** The thread of doors, on a real NATS server, before a Gateway that this test answers for. */

type Changing<T> = { -readonly [K in keyof T]: T[K] };

async function startDoors(t: Cleanup, serve: (operation: string, body: Uint8Array) => Promise<Answer>, port = 0) {
  const nats = await startTestNats(t);
  const workers: Worker[] = [];
  const refused: [operation: string, outcome: string, count: number][] = [];
  const standing: Changing<Standing> = {
    isOn: true,
    isAble: true,
    info: { tower_id: 'a tower' },
    limits: {
      maxBlobBytes: MAX_BLOB_BYTES,
      minToSelfDelay: 20,
      userRequestsPerSecond: 0,
      sourceRequestsPerSecond: 0,
      registrationsPerMinute: 0,
    },
  };
  const said: { level: number; msg: string }[] = [];
  const doors = new DoorThread({
    setting: {
      nats: { servers: nats.url, seed: nats.nodeSeed, name: 'doors' },
      version: '1.0.0',
      http: [{ host: '127.0.0.1', port }],
      maxConnections: 100,
      maxConnectionsPerSource: 100,
      trustedProxies: [],
      tls: undefined,
      patience: undefined,
      logLevel: 'info',
      stretch: new Precedence().stretch,
    },
    turnstile: { serve },
    standing: () => ({ ...standing }),
    meter: { requestsRefused: (...counted) => refused.push(counted) },
    log: pino({ level: 'info' }, { write: (line) => said.push(JSON.parse(line)) }),
    startWorker: (workerData) => {
      const url = new URL('../../../actors/door-worker.js', import.meta.url);
      const worker = new Worker(url, { workerData, execArgv: [], env: {} });
      workers.push(worker);
      return worker;
    },
  });
  t.after(() => doors.close());
  return { nats, doors, workers, standing, refused, said };
}

const granted: Answer = { status: 200, body: { granted: true } };
const headers = { 'content-type': 'application/json' };
const register = (url: string) => fetch(`${url}/register`, { method: 'POST', headers, body: '{"user_id": "02"}' });

describe('the thread of doors', () => {
  test('brings requests of both doors to the Gateway and the answers back, and says itself what the tower is', async (t) => {
    const { nats, doors } = await startDoors(t, async () => granted);
    await doors.open();
    const [url = ''] = doors.httpUrls;
    assert.deepEqual(await (await register(url)).json(), { granted: true });
    const nc = await nats.connect('operator');
    assert.deepEqual((await nc.request(publicSubjects.register, '{}')).json(), { granted: true });
    assert.deepEqual((await nc.request(publicSubjects.info, '{}')).json(), { tower_id: 'a tower' });
  });

  test('hands over no more bytes than a request has, whatever came with it', async (t) => {
    const bodies: Uint8Array[] = [];
    const { nats, doors } = await startDoors(t, async (_, body) => {
      bodies.push(body);
      return granted;
    });
    await doors.open();
    const nc = await nats.connect('operator');
    await Promise.all(Array.from({ length: 20 }, () => nc.request(publicSubjects.register, '{"n": 1}')));
    assert.deepEqual(
      bodies.map(({ buffer }) => buffer.byteLength),
      Array(20).fill(8),
    );
  });

  test('refuses what is too much while the Gateway answers nothing, and takes requests again when it does', async (t) => {
    let answer = () => {};
    const held = new Promise<void>((resolve) => (answer = resolve));
    let begun = 0;
    const { nats, doors, said } = await startDoors(t, async () => {
      begun++;
      await held;
      return granted;
    });
    await doors.open();
    const nc = await nats.connect('operator');
    const count = 3 * (MOST_UNDER_WAY + MOST_WAITING);
    let [answered, refused, unheard] = [0, 0, 0];
    const requests = Array.from({ length: count }, () =>
      nc.request(publicSubjects.register, '{}', { timeout: 60_000 }).then(
        ({ headers }) => (headers?.hasError || headers?.get('Nats-Service-Error-Code') ? refused++ : answered++),
        () => unheard++,
      ),
    );
    await until('the door is shut', () => said.some(({ msg }) => msg.startsWith('more requests over NATS')));
    assert.ok(begun <= MOST_UNDER_WAY, String(begun));
    answer();
    await Promise.all(requests);
    assert.equal(answered + refused + unheard, count);
    assert.ok(unheard > 0 && answered >= MOST_UNDER_WAY, `${answered} ${refused} ${unheard}`);
    await until('the door is open again', () =>
      nc.request(publicSubjects.register, '{}').then(
        () => true,
        () => false,
      ),
    );
  });

  test('goes on when the server has sent all that an endpoint had credit for, on that one and on the others', async (t) => {
    const { nats, doors } = await startDoors(t, async () => granted);
    await doors.open();
    const nc = await nats.connect('operator');
    for (let done = 0; done < 3 * CREDIT; done += 100)
      await Promise.all(Array.from({ length: 100 }, () => nc.request(publicSubjects.register, '{}')));
    for (const subject of [publicSubjects.register, publicSubjects.add_appointment, '$SRV.PING.argus'])
      assert.ok((await nc.request(subject, '{}')).data.length > 0, subject);
  });

  test('leaves no request without an answer after the server was restarted, where it is asked more than it has credit for', async (t) => {
    const { nats, doors } = await startDoors(t, async () => granted);
    await doors.open();
    await nats.kill();
    await nats.restart();
    const nc = await nats.connect('operator');
    const ask = () =>
      nc.request(publicSubjects.register, '{}', { timeout: 20_000 }).then(
        () => 'answered',
        ({ code }: NatsError) => code,
      );
    await until('the door is back', async () => (await ask()) === 'answered');
    const seen = new Map<string, number>();
    for (let round = 0; round < 4; round++)
      for (const what of await Promise.all(Array.from({ length: 2 * CREDIT }, ask)))
        seen.set(what, (seen.get(what) ?? 0) + 1);
    // Who comes while the door is shut is told so by the server.
    for (const what of seen.keys()) assert.ok(['answered', ErrorCode.NoResponders].includes(what), what);
    assert.ok((seen.get('answered') ?? 0) > CREDIT, JSON.stringify([...seen]));
  });

  test('takes no requests while the node takes none, and takes them again', async (t) => {
    const { nats, doors, standing } = await startDoors(t, async () => granted);
    await doors.open();
    const [url = ''] = doors.httpUrls;
    const nc = await nats.connect('operator');
    const heard = () =>
      nc.request(publicSubjects.register, '{}').then(
        () => true,
        () => false,
      );
    for (const isOn of [false, true, false, true]) {
      standing.isOn = isOn;
      await doors.turned();
      assert.equal(await heard(), isOn);
      await until(
        'the HTTP door is so, too',
        async () =>
          (await register(url)
            .catch(() => undefined)
            ?.then((r) => r?.ok ?? false)) === isOn,
      );
    }
  });

  test('goes by the limits as they are, and tells how many requests it refused itself', async (t) => {
    const { nats, doors, standing, refused } = await startDoors(t, async () => granted);
    await doors.open();
    const nc = await nats.connect('operator');
    const body = JSON.stringify({ much: 'a'.repeat(6_000) });
    const ask = async () => (await nc.request(publicSubjects.add_appointment, body)).json();
    assert.deepEqual(await ask(), { granted: true });
    standing.limits = { ...standing.limits, maxBlobBytes: 1_000 };
    doors.review();
    await until('it is too long', async () => Object(await ask()).reason === 'malformed-request');
    await until('that is told', () => refused.length > 0);
    assert.deepEqual(refused[0], ['add_appointment', 'malformed-request', 1]);
  });

  test('hands on when a client may come again', async (t) => {
    const tooMany: Answer = { status: 503, body: { error: 'later' }, reason: 'rate-limited', retryMs: 1_500 };
    const { doors } = await startDoors(t, async () => tooMany);
    await doors.open();
    const { status, headers } = await register(doors.httpUrls[0] ?? '');
    assert.deepEqual([status, headers.get('retry-after')], [503, '2']);
  });

  test('is started anew on the same address when it dies, and that is said', async (t) => {
    const { nats, doors, workers, said } = await startDoors(t, async () => granted);
    await doors.open();
    const [url = ''] = doors.httpUrls;
    await workers[0]?.terminate();
    const again = () =>
      register(url).then(
        ({ status }) => status === 200,
        () => false,
      );
    await until('the HTTP door is back', again);
    assert.deepEqual(doors.httpUrls, [url]);
    assert.equal(workers.length, 2);
    assert.equal(said.filter(({ level }) => level === 50).length, 1);
    const nc = await nats.connect('operator');
    assert.deepEqual((await nc.request(publicSubjects.register, '{}')).json(), { granted: true });
  });

  test('says when an address cannot be listened on', async (t) => {
    const { doors } = await startDoors(t, async () => granted);
    await doors.open();
    const { port } = new URL(doors.httpUrls[0] ?? '');
    const { doors: others } = await startDoors(t, async () => granted, Number(port));
    await assert.rejects(others.open(), ListenError);
  });
});
