import { type ConnectionOptions, connect, type NatsConnection, nkeyAuthenticator } from 'nats';
import { reconnectDelay } from './reconnect-delay.js';

/** Connecting to NATS as Argus needs it: for ever, with short pings, and to a server that keeps its word. */

/** The oldest nats-server whose streams keep what the log relies on (atomic batches, strict configuration). */
export const OLDEST_SERVER = '2.12.0';

export interface LogConnectionOptions {
  /** `nats://host:port`, or several of a cluster with commas between them: whichever answers first is taken. */
  readonly servers: string;
  /** The seed of the nkey to sign in with (`SU...`); without one the server's public account is used. */
  readonly seed?: string | undefined;
  readonly name: string;
  readonly inboxPrefix?: string;
}

/** The server answers, but not as one that can hold the log. */
export class UnfitServerError extends Error {
  readonly code = 'unfit-server';
}

/**
 * A connection that is re-made for ever once it was made, and whose server was found new enough.
 *
 * Rejects with `UnfitServerError` for a server older than `OLDEST_SERVER`, with a `NatsError` if it cannot connect.
 */
export async function connectLog(options: LogConnectionOptions): Promise<NatsConnection> {
  const connection = await connect(natsOptions(options));
  const found = connection.info?.version ?? '0.0.0';
  if (compareVersions(found, OLDEST_SERVER) >= 0) return connection;
  await connection.close();
  throw new UnfitServerError(`nats-server ${found} is too old: ${OLDEST_SERVER} or newer is needed`);
}

function natsOptions({ servers, seed, name, inboxPrefix }: LogConnectionOptions): ConnectionOptions {
  return {
    servers: servers.split(','),
    name,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: reconnectDelay(250),
    pingInterval: 5_000,
    maxPingOut: 2,
    noAsyncTraces: true,
    ...(inboxPrefix && { inboxPrefix }),
    ...(seed && { authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)) }),
  };
}

/** Negative, zero or positive as version `a` (`major.minor.patch`, a suffix ignored) is older than, equal to or newer than `b`. */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string) =>
    (/^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1) ?? ['0', '0', '0']).map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
