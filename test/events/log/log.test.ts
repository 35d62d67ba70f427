import { createServer, connect as dial, type Socket } from 'node:net';
import { describe } from 'node:test';
import { connect, type NatsConnection, nkeyAuthenticator } from 'nats';
import type { Shard } from '../../../events/ids.js';
import { ensureStreams } from '../../../events/log/ensure-streams.js';
import { EventLog } from '../../../events/log/log.js';
import { towerStream } from '../../../events/log/streams.js';
import { logContract } from '../../contract/log.js';
import { startTestNats } from '../../support/nats.js';
import type { Cleanup } from '../../support/temp-dir.js';

export const layout = { network: 'regtest', towerId: `02${'11'.repeat(32)}`, shards: 1, replicas: 1 };

for (const bulkFrom of [Number.POSITIVE_INFINITY, 1])
  describe(`the log on JetStream, read in bulk from ${bulkFrom} messages on`, () => {
    logContract(async (t) => {
      const nats = await startTestNats(t);
      const proxy = await startProxy(t, nats.port);
      const nc = await connectThrough(t, proxy.port, nats.nodeSeed);
      await ensureStreams(nc, layout);
      return {
        log: await EventLog.open(nc, { seed: nats.nodeSeed, from: bulkFrom }),
        stream: towerStream(0 as Shard),
        loseAcks: async () => {
          proxy.swallow = true;
          return async () => {
            // Long enough for the append to have arrived; then the connection is cut and made anew.
            await new Promise((resolve) => setTimeout(resolve, 200));
            proxy.swallow = false;
            proxy.cut();
          };
        },
        outage: async () => {
          await nats.kill();
          return () => nats.restart();
        },
      };
    });
  });

async function connectThrough(t: Cleanup, port: number, seed: string): Promise<NatsConnection> {
  const nc = await connect({
    servers: `127.0.0.1:${port}`,
    authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
  });
  t.after(() => nc.close());
  return nc;
}

/** A TCP proxy before the server, which can swallow what the server says, and cut connections. */
async function startProxy(t: Cleanup, target: number) {
  const sockets = new Set<Socket>();
  const state = { swallow: false, port: 0, cut: () => sockets.forEach((socket) => void socket.destroy()) };
  const server = createServer((client) => {
    const upstream = dial(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', () => {
        sockets.delete(socket);
        (socket === client ? upstream : client).destroy();
      });
      socket.on('error', () => {});
    }
    client.pipe(upstream);
    upstream.on('data', (bytes) => {
      if (!state.swallow) client.write(bytes);
    });
  });
  t.after(() => {
    state.cut();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address === 'object' && address) state.port = address.port;
  return state;
}
