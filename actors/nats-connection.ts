import { setTimeout as sleep } from 'node:timers/promises';
import { type NatsConnection, NatsError } from 'nats';
import type { Logger } from 'pino';
import { connectLog, type LogConnectionOptions, UnfitServerError } from '../events/log/connection.js';
import { type EnsuredLog, ensureStreams } from '../events/log/ensure-streams.js';
import type { LogWish } from '../events/log/streams.js';
import { why } from './runtime/why.js';
import { publicNkey } from './secrets.js';
import { shownUrl } from './shown-url.js';

/** What NATS errors mean that the server is not there, or not yet. */
const AWAY = new Set(['CONNECTION_REFUSED', 'TIMEOUT', 'DISCONNECT', 'CONNECTION_CLOSED']);
const RETRY_MS = 500;

const isRefused = (error: unknown): boolean => error instanceof NatsError && error.code === 'AUTHORIZATION_VIOLATION';

function unknownKey({ servers, seed }: LogConnectionOptions, cause: unknown): UnfitServerError {
  const key = seed === undefined ? 'no nkey' : `nkey ${publicNkey(seed)}`;
  return new UnfitServerError(`${shownUrl(servers)} does not let ${key} in: it must be the server's ARGUS_NODE_NKEY`, {
    cause,
  });
}

/** Such as one whose certificate is not for its name, or that has none. */
function notTaken({ servers }: LogConnectionOptions, cause: unknown): Error {
  if (cause instanceof UnfitServerError) return cause;
  return new UnfitServerError(`${shownUrl(servers)} is not taken: ${cause instanceof Error ? cause.message : cause}`, {
    cause,
  });
}

/** Connects; a server that is not there yet is waited for. Rejects when it is there and will not have us. */
export async function connectPatiently(options: LogConnectionOptions, logger: Logger): Promise<NatsConnection> {
  for (let waiting = false; ; waiting = true) {
    try {
      return await connectLog(options);
    } catch (error) {
      if (isRefused(error)) throw unknownKey(options, error);
      if (!(error instanceof NatsError) || !AWAY.has(error.code)) throw notTaken(options, error);
      if (!waiting)
        logger.warn({ server: shownUrl(options.servers), ...why(error) }, 'NATS does not answer; waiting for it');
      await sleep(RETRY_MS);
    }
  }
}

/** What a cluster says that has no leader yet, or not all of its servers: JetStream API error codes. */
const NOT_READY = new Set([10005, 10008, 10010]);

const isNotReady = (error: unknown): boolean =>
  error instanceof NatsError && (AWAY.has(error.code) || NOT_READY.has(error.api_error?.err_code ?? 0));

/** Does what needs JetStream; while a cluster is still starting it is done again, until `end` (a `performance.now()`). */
export async function whenReady<T>(
  act: () => Promise<T>,
  onWait: (error: unknown) => void,
  end = Number.POSITIVE_INFINITY,
): Promise<T> {
  for (let waiting = false; ; waiting = true) {
    try {
      return await act();
    } catch (error) {
      if (!isNotReady(error) || performance.now() >= end) throw error;
      if (!waiting) onWait(error);
      await sleep(RETRY_MS);
    }
  }
}

/** Makes sure of the log's streams, as `ensureStreams` does, and says in the logs what is not as it should be. */
export async function ensureStreamsPatiently(nc: NatsConnection, wish: LogWish, logger: Logger): Promise<EnsuredLog> {
  const log = await whenReady(
    () => ensureStreams(nc, wish),
    (error) => logger.warn(why(error), "NATS is not ready to give the log's streams; waiting for it"),
  );
  for (const difference of log.drift)
    logger.warn(difference, 'a stream is not as this node wants it; argus migrate changes it');
  return log;
}

/** Resolves when the server has taken in all that was sent so far, outages waited for; rejects when the connection is closed. */
export async function flushPatiently(nc: NatsConnection): Promise<void> {
  for (;;) {
    try {
      return await nc.flush();
    } catch (error) {
      if (nc.isClosed() || !(error instanceof NatsError) || !AWAY.has(error.code)) throw error;
    }
    await sleep(RETRY_MS);
  }
}

/** Tells, and says in the logs, when the server goes away and when it is back, until the connection is closed. */
export async function watchConnection(
  nc: NatsConnection,
  logger: Logger,
  onChange: (there: boolean) => void,
): Promise<void> {
  for await (const { type, data } of nc.status()) {
    if (type === 'disconnect') logger.warn({ server: String(data) }, 'NATS is away; waiting for it');
    if (type === 'reconnect') logger.info({ server: String(data) }, 'NATS is back');
    if (type === 'disconnect' || type === 'reconnect') onChange(type === 'reconnect');
  }
}
