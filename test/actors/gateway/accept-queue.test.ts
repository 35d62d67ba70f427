import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { waitingAt } from '../../../actors/gateway/accept-queue.js';

describe('the accept queue', { skip: existsSync('/proc/self/net/tcp') ? false : 'this system does not tell' }, () => {
  test('counts the connections that nobody has taken yet', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = Object(server.address());
    assert.equal(waitingAt(port), 0);
    const sockets = [1, 2, 3].map(() => connect(port, '127.0.0.1'));
    // The calls are made in the next tick; the loop has not looked at the server since.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    assert.equal(waitingAt(port), 3);
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    for (const socket of sockets) socket.destroy();
    server.close();
  });
});
