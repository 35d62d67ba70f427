import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Admission } from '../../../actors/gateway/admission.js';
import { Connections } from '../../../actors/gateway/http-connections.js';
import { until } from '../../support/until.js';

const MANY = 4_000;
const BODY = 'a'.repeat(1_000);
const REQUEST = `POST / HTTP/1.1\r\nhost: argus\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
const ANSWER = 'HTTP/1.1 200 ';

/** Connections of a server on a free port. */
async function startConnections(t: TestContext, server: Server = createServer(), tls = false) {
  const admission = new Admission({ isAble: () => true, mostInside: 10, mostOfSource: 10 });
  const connections = new Connections(server, tls, admission, 20_000);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.after(async () => {
    admission.close();
    server.close();
    await connections.end();
  });
  return { server, connections, port };
}

test('who sends requests without end and waits for no answer is read no further; all are answered at last', async (t) => {
  const { server, connections, port } = await startConnections(t);
  const waiting: ServerResponse[] = [];
  let begun = 0;
  let isSlow = true;
  server.on('request', async (request, response) => {
    begun++;
    await connections.turn(request);
    await buffer(request);
    if (isSlow) waiting.push(response);
    else response.end();
  });
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  let answers = 0;
  socket.setEncoding('latin1').on('data', (text) => (answers += String(text).split(ANSWER).length - 1));
  for (let i = 0; i < MANY; i++) socket.write(REQUEST);
  await until('some are being answered', () => waiting.length > 3);
  await sleep(300);
  // What came in one piece, 64 KB, is taken apart at once.
  assert.ok(begun < 200, `${begun} requests are in memory`);
  isSlow = false;
  for (const response of waiting.splice(0)) response.end();
  await until('all are answered', () => answers === MANY);
});

test('at the end, whoever was answered and rests is told nothing more', async (t) => {
  const { server, connections, port } = await startConnections(t);
  server.on('request', (request, response) => void buffer(request).then(() => response.end('{}')));
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  let heard = '';
  socket.setEncoding('latin1').on('data', (text) => (heard += String(text)));
  socket.write(REQUEST);
  await until('it is answered', () => heard.endsWith('{}'));
  const before = heard;
  await connections.end();
  await until('it is closed', () => socket.readableEnded);
  assert.equal(heard, before);
});

test('at the end, whoever has not come through TLS yet is waited for, though not for long', async (t) => {
  // It has no certificate: nobody comes that far.
  const { connections, port } = await startConnections(t, createTlsServer(), true);
  const silent = connect(port, '127.0.0.1');
  await once(silent, 'connect');
  await sleep(50);
  const begun = performance.now();
  await connections.end();
  const ms = performance.now() - begun;
  assert.ok(ms > 1_500 && ms < 15_000, `${ms} ms`);
});
