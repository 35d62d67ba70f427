import { existsSync } from 'node:fs';
import { type JetStreamManager, type NatsConnection, NatsError } from 'nats';
import type { Config } from '../actors/config.js';
import { natsServers, natsTrust } from '../actors/config-nats.js';
import { whenReady } from '../actors/nats-connection.js';
import { existingNatsSeed, natsSeed } from '../actors/secrets.js';
import { shownUrl } from '../actors/shown-url.js';
import { connectLog } from '../events/log/connection.js';
import { OperatorError, whyNoConnection } from './operator.js';
import { startOwnNats } from './own-nats.js';

/** The log as a command reaches it: with a node's key, whether a tower is up or not. */
export interface LogAccess {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  /** Does what needs JetStream, again while a cluster is electing its leaders; half a minute at the most. */
  patiently<T>(act: () => Promise<T>): Promise<T>;
}

const READY_MS = 30_000;
const REQUEST_MS = 10_000;

/**
 * Runs `act` on the log. Without `nats.url` that is the one of the node's own nats-server, which is started for it if it
 * does not run. Rejects with `OperatorError` if NATS does not answer or does not let the key in.
 */
export async function withLog<T>(config: Config, act: (log: LogAccess) => Promise<T>): Promise<T> {
  const own = config.nats.url === undefined && !(await isOwnUp(config)) ? await startOwnNats(config) : undefined;
  try {
    const nc = await connectAsNode(config);
    try {
      const jsm = await nc.jetstreamManager({ timeout: REQUEST_MS, checkAPI: false });
      return await act({ nc, jsm, patiently });
    } finally {
      await nc.close();
    }
  } finally {
    await own?.stop();
  }
}

function patiently<T>(act: () => Promise<T>): Promise<T> {
  const tell = () => process.stderr.write('argus: NATS is not ready to give its streams; waiting for it\n');
  return whenReady(act, tell, performance.now() + READY_MS);
}

/** A connection with the node's key; rejects with `OperatorError`. */
export async function connectAsNode(config: Config): Promise<NatsConnection> {
  const file = config.nats.nodeNkeyFile;
  const seed = config.nats.url === undefined ? natsSeed(file) : existingNatsSeed(file);
  const servers = natsServers(config.nats);
  return connectLog({ servers, seed, trust: natsTrust(config.nats), name: 'argus' }).catch((cause) => {
    throw new OperatorError(`${shownUrl(servers)} ${whyNoConnection(cause, file, 'NATS')}`, { cause });
  });
}

/** Whether somebody listens where the node's own server would: then it is asked, whatever it says. */
async function isOwnUp(config: Config): Promise<boolean> {
  if (!existsSync(config.nats.nodeNkeyFile)) return false;
  try {
    await (await connectAsNode(config)).close();
    return true;
  } catch (error) {
    const { cause } = error instanceof OperatorError ? error : { cause: error };
    return !(cause instanceof NatsError && cause.code === 'CONNECTION_REFUSED');
  }
}
