import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, test } from 'node:test';
import { waitingAt } from '../../../actors/gateway/accept-queue.js';

const hasIpv6 = Object.values(networkInterfaces()).some((found) => found?.some(({ address }) => address === '::1'));

describe('the accept queue', { skip: existsSync('/proc/self/net/tcp') ? false : 'this system does not tell' }, () => {
  for (const host of ['127.0.0.1', ...(hasIpv6 ? ['::1'] : [])])
    test(`counts the connections to ${host} that nobody has taken yet`, async () => {
      const server = createServer();
      server.listen(0, host);
      await once(server, 'listening');
      const { port, family } = Object(server.address());
      assert.equal(waitingAt({ port, family }), 0);
      const sockets = [1, 2, 3].map(() => connect(port, host));
      // The calls are made in the next tick; the loop has not looked at the server since.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      assert.equal(waitingAt({ port, family }), 3);
      await Promise.all(sockets.map((socket) => once(socket, 'connect')));
      for (const socket of sockets) socket.destroy();
      server.close();
    });
});
