import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startHttpTower, urlOf } from '../support/http-tower.js';
import type { Cleanup } from '../support/temp-dir.js';
import { Asker, bytesOf, exchange, openLine } from '../support/teos-requests.js';
import { secretKey } from '../support/tower.js';
import { until } from '../support/until.js';
import { open, sendAll } from './http-line.js';

/** Connections that are not used as they are meant to be. */

const PATIENCE = { requestMs: 1_000, answerMs: 5_000 };
const HEAD = 'POST /register HTTP/1.1\r\nhost: tower\r\ncontent-type: application/json\r\n';
const statuses = async (url: string, text: string) =>
  (await sendAll(url, Buffer.from(text, 'latin1'))).answers.map(({ status }) => status);
const register = (url: string) =>
  exchange(url, bytesOf('rust', '/register', url, new Asker(secretKey()).register('rust')));

/** Connections from an address of this machine. */
function from(t: Cleanup, localAddress: string, url: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), localAddress });
  socket.on('error', () => {});
  t.after(() => void socket.destroy());
  return socket;
}

describe('the HTTP door', () => {
  test('answers what is not HTTP, or says two things at once, with one refusal', async (t) => {
    const url = urlOf(await startHttpTower(t, { patience: PATIENCE }));
    const body = '{"user_id":"x"}';
    for (const [what, text, expected] of [
      ['both lengths', `${HEAD}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, [400]],
      ['two lengths', `${HEAD}content-length: 15\r\ncontent-length: 16\r\n\r\n${body}`, [400]],
      ['a length with a sign', `${HEAD}content-length: +15\r\n\r\n${body}`, [400]],
      ['no length that fits', `${HEAD}content-length: 99999999999999999999999\r\n\r\n${body}`, [400]],
      ['an unknown coding', `${HEAD}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n`, [400]],
      ['a coding after chunked', `${HEAD}transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n`, [400]],
      ['a chunk of no size', `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n`, [400]],
      ['a chunk of any size', `${HEAD}transfer-encoding: chunked\r\n\r\nffffffffffffffffffff\r\n`, [400]],
      ['a header of two lines', `${HEAD}a: b\r\n c\r\ncontent-length: 15\r\n\r\n${body}`, [400]],
      ['a name with a space', `${HEAD}content-length : 15\r\n\r\n${body}`, [400]],
      ['HTTP/0.9', 'GET /ping\r\n\r\n', [200]],
      ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
      ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', [400]],
      ['headers without end', `${HEAD}${`x: ${'y'.repeat(1_000)}\r\n`.repeat(20)}`, [503]],
      ['half a head', HEAD.slice(0, 30), [503]],
      ['a request, and half of another', `GET /ping HTTP/1.1\r\n\r\n${HEAD}content-length: 15\r\n\r\n{`, [200, 503]],
      ['half a body', `${HEAD}content-length: 15\r\n\r\n${body.slice(0, 7)}`, [503]],
      ['nothing', '', []],
      ['an upgrade', `GET /ping HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`, [200]],
      ['an expectation', `${HEAD}expect: 100-continue\r\ncontent-length: 15\r\n\r\n${body}`, [400]],
      ['another expectation', `${HEAD}expect: miracles\r\ncontent-length: 15\r\n\r\n${body}`, [400]],
      ['a tunnel', 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: 127.0.0.1:22\r\n\r\n', []],
      ['another place', 'GET http://127.0.0.1:22/ping HTTP/1.1\r\nhost: 127.0.0.1:22\r\n\r\n', [404]],
    ] as const)
      assert.deepEqual(await statuses(url, text), expected, what);
    // What is smuggled behind a refusal is not heard.
    const smuggled = `${HEAD}content-length: 0\r\ntransfer-encoding: chunked\r\n\r\nGET /ping HTTP/1.1\r\n\r\n`;
    assert.deepEqual(await statuses(url, smuggled), [400]);
    assert.equal((await register(url)).kind, 'answer');
  });

  test('answers a thousand requests that come at once on one connection, in their order', async (t) => {
    const url = urlOf(await startHttpTower(t, { patience: PATIENCE }));
    const paths = Array.from({ length: 1_000 }, (_, n) =>
      n % 3 === 0 ? '/ping' : n % 3 === 1 ? '/nothing' : '/register',
    );
    const ask = (path: string) =>
      path === '/register' ? `${HEAD}content-length: 2\r\n\r\n{}` : `GET ${path} HTTP/1.1\r\n\r\n`;
    const expected = paths.map((path) => ({ '/ping': 200, '/nothing': 404, '/register': 400 })[path]);
    assert.deepEqual(await statuses(url, paths.map(ask).join('')), expected);
  });

  test('gives a request that drips in so long and no longer, and one that never comes', async (t) => {
    const url = urlOf(await startHttpTower(t, { patience: PATIENCE }));
    const whole = `${HEAD}content-length: 1000000000000\r\n\r\n{${' '.repeat(10_000)}`;
    // It is cut also where another one was answered before it, on the same connection.
    const second = open(url);
    second.socket.write(`GET /ping HTTP/1.1\r\n\r\n${HEAD}content-length: 15\r\n\r\n{`);
    assert.deepEqual(
      (await second.heard).answers.map(({ status }) => status),
      [200, 503],
    );
    for (const [text, every] of [
      [whole, 1],
      [whole, HEAD.length + 40],
      ['', 1],
    ] as const) {
      const { socket, heard } = open(url);
      let at = 0;
      const drip = setInterval(() => {
        if (socket.writable && at < text.length) socket.write(text.slice(at, at + every));
        at += every;
      }, 50);
      const { answers } = await heard.finally(() => clearInterval(drip));
      assert.deepEqual(
        answers.map(({ status }) => status),
        [503],
      );
    }
  });

  test('does not keep who takes no answers', async (t) => {
    const url = urlOf(await startHttpTower(t, { patience: PATIENCE }));
    const greedy = from(t, '127.0.0.1', url);
    const sent = 'GET /nothing HTTP/1.1\r\nhost: tower\r\n\r\n'.repeat(1_000);
    let isGone = false;
    greedy.once('close', () => (isGone = true));
    greedy.pause();
    const push = setInterval(() => greedy.writable && greedy.writableLength < 1e6 && greedy.write(sent), 5);
    t.after(() => clearInterval(push));
    await until('it is cut, though it never stopped asking', () => isGone);
    assert.equal((await register(url)).kind, 'answer');
  });

  test('lets no source have all places, whatever it does', async (t) => {
    const settings = { 'http.max_connections': '40', 'http.max_connections_per_source': '10' };
    const url = urlOf(await startHttpTower(t, { settings }));
    const held = Array.from({ length: 60 }, () => from(t, '127.0.0.2', url));
    await until(
      'most are cut',
      () => held.filter(({ destroyed, readableEnded }) => destroyed || readableEnded).length === 50,
    );
    for (let n = 0; n < 20; n++) assert.equal((await register(url)).kind, 'answer');
    for (const socket of held) socket.destroy();
    await until('it may come again', async () => {
      const again = from(t, '127.0.0.2', url);
      again.write('GET /ping HTTP/1.1\r\n\r\n');
      return new Promise((resolve) => {
        again.once('data', () => resolve(true));
        again.once('close', () => resolve(false));
      });
    });
  });

  test('is not kept shut by connections that say nothing, also where they come again and again', async (t) => {
    const url = urlOf(await startHttpTower(t, { settings: { 'http.max_connections': '20' } }));
    let isOver = false;
    const attack = async () => {
      while (!isOver) {
        const { socket, came } = openLine(url);
        socket.write('POST /register HTTP/1.1\r\n');
        if ((await came).kind === 'refused') await sleep(20);
      }
    };
    const attackers = Array.from({ length: 40 }, attack);
    t.after(() => {
      isOver = true;
      return Promise.all(attackers);
    });
    await until('the door is shut', async () => (await register(url)).kind === 'refused');
    for (let n = 0; n < 3; n++)
      await until('somebody else gets in', async () => (await register(url)).kind === 'answer');
  });
});
