import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import type { Cleanup } from './temp-dir.js';

/** A line to a server that a test can disturb: a TCP proxy that knows nothing of what passes. */
export interface TcpProxy {
  readonly port: number;
  /** From now on nothing that the server says arrives, until the line is cut. */
  swallow(): void;
  /** Ends every connection; the next ones are sound. */
  cut(): void;
  /** How many connections there are. */
  count(): number;
}

/** Starts a proxy before a port of 127.0.0.1; it is gone after the test. */
export async function startTcpProxy(t: Cleanup, to: number): Promise<TcpProxy> {
  const clients = new Set<Socket>();
  let swallowing = false;
  const listener = createServer((client) => {
    const server = dial(to, '127.0.0.1');
    clients.add(client);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on('error', () => {});
      socket.on('close', () => {
        other.destroy();
        clients.delete(client);
      });
    }
    client.pipe(server);
    server.on('data', (bytes) => {
      if (!swallowing) client.write(bytes);
    });
  });
  const cut = () => {
    swallowing = false;
    for (const client of clients) client.destroy();
  };
  t.after(() => {
    cut();
    listener.close();
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const address = listener.address();
  if (typeof address !== 'object' || !address) throw new TypeError('no port');
  return {
    port: address.port,
    swallow: () => {
      swallowing = true;
    },
    cut,
    count: () => clients.size,
  };
}
