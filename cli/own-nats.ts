import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../actors/config.js';
import { natsSeed } from '../actors/secrets.js';
import { natsKeys } from './nats-keys.js';
import { findServer } from './servers/find.js';
import { type NatsServer, startNatsServer } from './servers/nats-server.js';

/** A nats-server of the node's own, with `nats.conf`. One that was left by a killed node is ending: it is waited for. */
export async function startOwnNats(config: Config, stop?: AbortSignal): Promise<NatsServer | undefined> {
  const { nodeNkeyFile, operatorNkeyFile, auditorNkeyFile } = config.nats;
  const keys = natsKeys(natsSeed(nodeNkeyFile), natsSeed(operatorNkeyFile), natsSeed(auditorNkeyFile));
  const program = findServer('nats-server');
  const dataDir = join(config.data, 'nats');
  const { host, port, tls, websocket } = config.nats;
  const options = { program, dataDir, host, port, tls, websocket, keys };
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
