import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Admission } from '../../../actors/gateway/admission.js';
import { Connections } from '../../../actors/gateway/http-connections.js';
import { until } from '../../support/until.js';

const MANY = 4_000;
const BODY = 'a'.repeat(1_000);
const REQUEST = `POST / HTTP/1.1\r\nhost: argus\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
const ANSWER = 'HTTP/1.1 200 ';

test('who sends requests without end and waits for no answer is read no further; all are answered at last', async (t) => {
  const server = createServer();
  const admission = new Admission({ isAble: () => true, mostInside: 10, mostOfSource: 10 });
  const connections = new Connections(server, false, admission, 20_000);
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
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  t.after(async () => {
    socket.destroy();
    admission.close();
    server.close();
    await connections.end();
  });
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
