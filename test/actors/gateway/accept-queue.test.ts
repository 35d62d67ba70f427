import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, type TestContext, test } from 'node:test';
import { AcceptQueue } from '../../../actors/gateway/accept-queue.js';
import { until } from '../../support/until.js';

const hasIpv6 = Object.values(networkInterfaces()).some((found) => found?.some(({ address }) => address === '::1'));

describe('the accept queue', { skip: existsSync('/proc/self/net/tcp') ? false : 'this system does not tell' }, () => {
  for (const host of ['127.0.0.1', ...(hasIpv6 ? ['::1'] : [])])
    test(`counts the connections to ${host} that nobody has taken yet, wherever the socket stands among the others`, async (t) => {
      const server = await listening(t, host);
      const { port, family } = Object(server.address());
      const queue = new AcceptQueue({ port, family });
      t.after(() => queue.close());
      assert.equal(queue.waiting, 0);
      for (let more = 0; more < 8; more++) {
        const sockets = [1, 2, 3].map(() => connect(port, host));
        // The calls are made in the next tick; the loop has not looked at the server since.
        await new Promise<void>((resolve) => process.nextTick(resolve));
        assert.equal(queue.waiting, 3);
        await Promise.all(sockets.map((socket) => once(socket, 'connect')));
        for (const socket of sockets) socket.destroy();
        await until('all are taken', () => queue.waiting === 0);
        await listening(t, host);
      }
    });
});

async function listening(t: TestContext, host: string): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).resume());
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => server.close());
  return server;
}
