import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, type TestContext, test } from 'node:test';
import { AcceptQueue } from '../../../actors/gateway/accept-queue.js';
import { until } from '../../support/until.js';

const hasIpv6 = Object.values(networkInterfaces()).some((found) => found?.some(({ address }) => address === '::1'));

describe('the accept queue', { skip: existsSync('/proc/self/net/tcp') ? false : 'this system does not tell' }, () => {
  for (const host of ['127.0.0.1', '0.0.0.0', ...(hasIpv6 ? ['::1', '::', '::ffff:127.0.0.1'] : [])])
    test(`counts the connections to ${host} that nobody has taken yet, wherever the socket stands among the others`, async (t) => {
      const server = await listening(t, host);
      const bound: AddressInfo = Object(server.address());
      const { port } = bound;
      const queue = new AcceptQueue(bound);
      t.after(() => queue.close());
      assert.equal(queue.waiting, 0);
      for (let more = 0; more < 8; more++) {
        const sockets = [1, 2, 3].map(() => connect(port, REACHED[host] ?? host));
        // The calls are made in the next tick; the loop has not looked at the server since.
        await new Promise<void>((resolve) => process.nextTick(resolve));
        assert.equal(queue.waiting, 3);
        await Promise.all(sockets.map((socket) => once(socket, 'connect')));
        for (const socket of sockets) socket.destroy();
        await until('all are taken', () => queue.waiting === 0);
        await listening(t, host);
      }
    });

  test('is that of one address, whatever waits at another one with the same port', async (t) => {
    const one = await listening(t, '127.0.0.1');
    const { port } = Object(one.address());
    const other = await listening(t, '127.0.0.2', port);
    const queues = [one, other].map((server) => new AcceptQueue(Object(server.address())));
    t.after(() => {
      for (const queue of queues) queue.close();
    });
    for (const host of ['127.0.0.1', '127.0.0.2']) {
      const socket = connect(port, host);
      await new Promise<void>((resolve) => process.nextTick(resolve));
      assert.deepEqual(
        queues.map(({ waiting }) => waiting),
        host === '127.0.0.1' ? [1, 0] : [0, 1],
      );
      await once(socket, 'connect');
      socket.destroy();
      await until('it is taken', () => queues.every(({ waiting }) => waiting === 0));
    }
  });
});

/** An address at which whoever listens on all addresses is reached. */
const REACHED: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

async function listening(t: TestContext, host: string, port = 0): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).resume());
  server.listen(port, host);
  await once(server, 'listening');
  t.after(() => server.close());
  return server;
}
