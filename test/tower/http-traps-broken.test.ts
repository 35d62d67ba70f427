import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { both, concluded, registeredPlugin, startHttpTower, urlOf } from '../support/http-tower.js';
import { type Conclusion, clients } from '../support/teos-clients.js';
import { type Plugin, describe as show } from '../support/teos-plugins.js';
import { anAppointment, bytesOf, type Came, headOf, openLine, spellJson } from '../support/teos-requests.js';
import type { TestTower } from '../support/tower.js';

/** Requests that do not arrive as they should: each gets an answer that hurts nobody, and none breaks a connection. */

describe('a broken request', () => {
  const ends: (() => unknown)[] = [];
  let tower: TestTower;
  let users: Record<'python' | 'rust', Plugin>;
  let serial = 0;

  before(async () => {
    const patience = { requestMs: 1_000, answerMs: 15_000 };
    tower = await startHttpTower({ after: (end: () => unknown) => void ends.unshift(end) }, { patience });
    users = {
      python: await registeredPlugin(tower, 'pythonPlugin'),
      rust: await registeredPlugin(tower, 'rustPlugin'),
    };
  });
  after(async () => {
    for (const end of ends) await end();
  });

  /** Sends what `write` makes of an appointment's request, and says what each plugin concludes. */
  async function conclusions(
    write: (send: (bytes: string | Uint8Array) => void, request: Buffer, end: () => void) => void,
    more: { readonly blobBytes?: number } = {},
  ): Promise<readonly { readonly conclusion: Conclusion; readonly came: Came }[]> {
    return Promise.all(
      both.map(async (client) => {
        const asked = users[client.dialect].asker.add(anAppointment(String(++serial), more.blobBytes));
        const line = openLine(urlOf(tower));
        const request = bytesOf(client.dialect, '/add_appointment', urlOf(tower), asked);
        write(
          (bytes) => line.socket.write(bytes),
          request,
          () => line.socket.end(),
        );
        const came = await line.came;
        return { conclusion: concluded(tower, client, asked, came), came };
      }),
    );
  }

  const are = (found: Awaited<ReturnType<typeof conclusions>>, rust: Conclusion, python: Conclusion) =>
    assert.deepEqual(
      found.map(({ conclusion }) => conclusion),
      [rust, python],
      found.map(({ came }) => show(came)).join('\n'),
    );

  const cases: readonly [string, Conclusion, Conclusion, Parameters<typeof conclusions>[0]][] = [
    ['sent whole', 'accepted', 'accepted', (send, request) => send(request)],
    [
      'sent byte by byte',
      'accepted',
      'accepted',
      (send, request) => {
        for (const byte of request) send(Uint8Array.of(byte));
      },
    ],
    [
      'followed by garbage',
      'accepted',
      'accepted',
      (send, request) => send(Buffer.concat([request, Buffer.from('\0\0garbage\r\n\r\n')])),
    ],
    ['followed by another one', 'accepted', 'accepted', (send, request) => send(Buffer.concat([request, request]))],
    [
      'whose sender says that it has no more to say',
      'accepted',
      'accepted',
      (send, request, end) => {
        send(request);
        end();
      },
    ],
    [
      'that waits for 100 Continue',
      'accepted',
      'accepted',
      (send, request) => send(String(request).replace('\r\n', '\r\nExpect: 100-continue\r\n')),
    ],
    [
      'that expects what nobody knows',
      'accepted',
      'accepted',
      (send, request) => send(String(request).replace('\r\n', '\r\nExpect: wonders\r\n')),
    ],
    ['in chunks', 'accepted', 'accepted', (send, request) => send(chunked(request))],
    ['of HTTP/1.0', 'accepted', 'accepted', (send, request) => send(String(request).replace('HTTP/1.1', 'HTTP/1.0'))],
    [
      'whose sender stops within the body',
      'subscription error',
      'temporarily unreachable',
      (send, request, end) => {
        send(request.subarray(0, -9));
        end();
      },
    ],
    [
      'whose sender stops within the header',
      'subscription error',
      'temporarily unreachable',
      (send, request, end) => {
        send(request.subarray(0, 40));
        end();
      },
    ],
    [
      'whose body does not come',
      'subscription error',
      'temporarily unreachable',
      (send, request) => send(request.subarray(0, -9)),
    ],
    [
      'whose header does not come',
      'subscription error',
      'temporarily unreachable',
      (send, request) => send(request.subarray(0, 40)),
    ],
    ['that does not come at all', 'subscription error', 'temporarily unreachable', () => undefined],
  ];
  for (const [what, rust, python, write] of cases) test(what, async () => are(await conclusions(write), rust, python));

  test('of a megabyte, by clients that send it all before they read: refused in words they know', async () => {
    const found = await conclusions((send, request) => send(request), { blobBytes: 500_000 });
    are(found, 'invalid', 'invalid');
  });

  test('of a megabyte, by a python client behind a proxy that takes its name away', async () => {
    const found = await conclusions((send, request) => send(String(request).replace(/User-Agent: .*\r\n/, '')), {
      blobBytes: 500_000,
    });
    are(found, 'invalid', 'invalid');
  });

  test('that goes on and on after its time is over: the answer is there to be read', async () => {
    for (const client of both) {
      const asked = users[client.dialect].asker.add(anAppointment(String(++serial)));
      const line = openLine(urlOf(tower));
      line.socket.pause();
      const body = spellJson(client.dialect, asked);
      line.socket.write(headOf(client.dialect, '/add_appointment', 'tower', body.length + 1_000_000) + body);
      const drip = setInterval(() => line.socket.write(' '), 10);
      // The client reads only after it has sent on for longer than the tower waits.
      setTimeout(() => line.socket.resume(), 2_000);
      const came = await line.came;
      clearInterval(drip);
      const conclusion = concluded(tower, client, asked, came);
      assert.equal(
        conclusion,
        client === clients.rustPlugin ? 'subscription error' : 'temporarily unreachable',
        show(came),
      );
    }
  });

  for (const garbage of [
    '\0\x01\x02\r\n\r\n',
    'SSH-2.0-x\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '\x16\x03\x01\x02\0\x01\0\x01',
  ])
    test(`that is not HTTP: ${JSON.stringify(garbage)}`, async () => {
      const line = openLine(urlOf(tower));
      line.socket.write(garbage);
      const came = await line.came;
      assert.equal(came.kind === 'answer' && came.status, 400, show(came));
    });

  for (const first of ['HEAD /ping', 'GET /ping'])
    test(`${first}: the tower is there`, async () => {
      const line = openLine(urlOf(tower));
      line.socket.write(`${first} HTTP/1.1\r\nhost: tower\r\n\r\n`);
      const came = await line.came;
      assert.deepEqual(came.kind === 'answer' && [came.status, came.body.length], [200, 0]);
    });
});

function chunked(request: Buffer): string {
  const [head = '', body = ''] = String(request).split('\r\n\r\n', 2);
  const chunks = [body.slice(0, 50), body.slice(50), ''].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`);
  return `${head.replace(/content-length: \d+/i, 'Transfer-Encoding: chunked')}\r\n\r\n${chunks.join('')}`;
}
