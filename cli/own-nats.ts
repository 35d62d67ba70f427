import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../actors/config.js';
import { natsSeed } from '../actors/secrets.js';
import { natsKeys } from './nats-keys.js';
import { findServer } from './servers/find.js';
import { type NatsServer, type NatsServerOptions, startNatsServer } from './servers/nats-server.js';

/** A nats-server of the node's own, with `nats.conf`. One that was left by a killed node is ending: it is waited for. */
export function startOwnNats(config: Config, stop?: AbortSignal): Promise<NatsServer | undefined> {
  const { host, port, tls, clientsListen } = config.nats;
  const websocket = clientsListen ? undefined : config.nats.websocket;
  return startOne({ ...commonOf(config), dataDir: join(config.data, 'nats'), host, port, tls, websocket }, stop);
}

/**
 * A second one, with `nats-clients.conf`, for clients alone, if the settings want it. It goes behind what watches blocks: the first, the
 * node, and bitcoind.
 */
export async function startClientsNats(config: Config, stop?: AbortSignal): Promise<NatsServer | undefined> {
  const { clientsListen, tls, websocket } = config.nats;
  if (!clientsListen) return undefined;
  const dataDir = join(config.data, 'nats-clients');
  const own = { dataDir, ...clientsListen, tls, websocket, config: 'nats-clients.conf', nice: BEHIND } as const;
  return startOne({ ...commonOf(config), ...own }, stop);
}

/** A nice value: of a processor that both want, the others get nine tenths. */
export const BEHIND = 10;

function commonOf(config: Config) {
  const { nodeNkeyFile, operatorNkeyFile, auditorNkeyFile } = config.nats;
  const keys = natsKeys(natsSeed(nodeNkeyFile), natsSeed(operatorNkeyFile), natsSeed(auditorNkeyFile));
  return { program: findServer('nats-server'), keys };
}

async function startOne(options: NatsServerOptions, stop?: AbortSignal): Promise<NatsServer | undefined> {
  for (let again = 5; !stop?.aborted; again--) {
    try {
      return await startNatsServer(options);
    } catch (error) {
      if (again === 0) throw error;
      await sleep(1_000);
    }
  }
  return undefined;
}
