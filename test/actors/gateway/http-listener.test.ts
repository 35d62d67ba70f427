import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import pino from 'pino';
import { Listener } from '../../../actors/gateway/http-listener.js';
import { exchange } from '../../support/teos-requests.js';
import { until } from '../../support/until.js';

describe('a listener', () => {
  test('that comes and goes under clients that never pause resets none of them', async (t) => {
    const told: string[] = [];
    const log = pino({ base: null }, { write: (line: string) => told.push(JSON.parse(line).msg) });
    const server = createServer((_, response) => void listener.steady().then(() => response.end('{}')));
    const listener = new Listener(server, { host: '127.0.0.1', port: 0 }, log);
    await listener.open();
    const hot = new Worker(new URL('../../support/hot-clients.js', import.meta.url), {
      workerData: { port: listener.address.port, clients: 4 },
    });
    t.after(() => hot.terminate());
    for (let round = 0; round < ROUNDS; round++) {
      await listener.gone();
      assert.equal(told.at(-1), 'refusing HTTP connections');
      await sleep(10);
      listener.appear();
      await until('it is there again', () => told.at(-1) === 'taking HTTP connections');
      await sleep(10);
    }
    hot.postMessage('enough');
    const [seen] = await once(hot, 'message');
    await listener.gone();
    assert.deepEqual(Object.keys(seen).sort(), ['ECONNREFUSED', 'answered'], JSON.stringify(seen));
    assert.ok(seen.answered > 4 * ROUNDS, JSON.stringify(seen));
  });

  test('that is wanted again while it goes stays, and so does who waits for that', async () => {
    const server = createServer((_, response) => response.end('{}'));
    const listener = new Listener(server, { host: '127.0.0.1', port: 0 }, pino({ level: 'silent' }));
    await listener.open();
    listener.vanish();
    const steady = listener.steady();
    listener.appear();
    await steady;
    const ping = () => exchange(`http://127.0.0.1:${listener.address.port}`, PING);
    assert.equal((await ping()).kind, 'answer');
    await listener.gone();
    assert.equal((await ping()).kind, 'refused');
  });
});

const PING = Buffer.from('GET /ping HTTP/1.1\r\nhost: tower\r\ncontent-length: 0\r\n\r\n');
/** A listener that just closes resets somebody in nearly every round. */
const ROUNDS = 30;
