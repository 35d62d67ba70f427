import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { type ConnectionOptions, connect, type NatsConnection, nkeyAuthenticator } from 'nats';
import { reconnectDelay } from './reconnect-delay.js';

/** Connecting to NATS as Argus needs it: for ever, with short pings, and to a server that keeps its word. */

/** The oldest nats-server whose streams keep what the log relies on (atomic batches, strict configuration). */
export const OLDEST_SERVER = '2.12.0';

export interface LogConnectionOptions {
  /** `nats://host:port`, or several of a cluster with commas between them; the first that answers is taken. */
  readonly servers: string;
  /** The seed of the nkey to sign in with (`SU...`); without one the server's public account is used. */
  readonly seed?: string | undefined;
  readonly name: string;
  readonly inboxPrefix?: string;
  /** With it, or with a URL that begins with `tls://`, a server without TLS is not taken. */
  readonly trust?: ServerTrust | undefined;
}

/** How a server is known to be the right one, over TLS. */
export interface ServerTrust {
  /** A PEM file, read at each connection: the certificate of its authority, or its own. */
  readonly caFile: string;
  /** Whether that is its own; then it may be for any name. */
  readonly isOwn: boolean;
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

function natsOptions({ servers, seed, name, inboxPrefix, trust }: LogConnectionOptions): ConnectionOptions {
  return {
    servers: servers.split(','),
    noRandomize: true,
    name,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: reconnectDelay(250),
    pingInterval: 5_000,
    maxPingOut: 2,
    noAsyncTraces: true,
    ...(inboxPrefix && { inboxPrefix }),
    ...((trust || /(^|,)tls:/.test(servers)) && { tls: tlsOf(servers, trust) }),
    ...(seed && { authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)) }),
  };
}

/** Node's own options of TLS, which the client hands on. */
function tlsOf(servers: string, trust: ServerTrust | undefined) {
  const hosts = servers.split(',').map((server) => new URL(server).hostname.replace(/^\[|\]$/g, ''));
  // The client does not tell Node which address a connection is to, so one of those that were asked for will do.
  const isOneOfThem = (_name: string, certificate: PeerCertificate): Error | undefined => {
    const wrong = hosts.map((host) => checkServerIdentity(host, certificate));
    return wrong.includes(undefined) ? undefined : wrong[0];
  };
  if (!trust) return { checkServerIdentity: isOneOfThem };
  const { caFile, isOwn } = trust;
  if (!isOwn) return { caFile, checkServerIdentity: isOneOfThem };
  // Its own certificate may be signed by an authority that is not in the file.
  return { caFile, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
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
