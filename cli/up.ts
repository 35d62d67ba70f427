import { setTimeout as sleep } from 'node:timers/promises';
import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { Config } from '../actors/config.js';
import { clientsServers, natsServers, natsTrust } from '../actors/config-nats.js';
import { TowerNode } from '../actors/node.js';
import { logLimits } from '../actors/runtime/log-limits.js';
import { existingNatsSeed, natsSeed, type TowerKey } from '../actors/secrets.js';
import { onionKeyFile } from '../actors/tor/onion-key.js';
import { OnionService, targetsOf } from '../actors/tor/onion-service.js';
import { CORE_DUMPS, mayDumpCore } from './core-dumps.js';
import { greeting } from './greeting.js';
import { openTowerKey } from './kept-key.js';
import { startClientsNats, startOwnNats } from './own-nats.js';
import type { NatsServer } from './servers/nats-server.js';

/** How long a stop may take, in ms, before the process ends all the same. */
const STOP_MS = 10_000;

/** How long tor is waited for before it is said that the node is up, in ms. */
const ONION_MS = 15_000;

/** Runs one node until it is told to stop; gives the exit status. */
export async function up(config: Config): Promise<number> {
  const logger = createLogger(config.logLevel);
  const stop = stopSignal();
  // It is in the configuration by now, and no business of the servers and makers that are started.
  delete process.env.ARGUS_BITCOIND_PASSWORD;
  const key = await Promise.race([openTowerKey(config), stop.requested.then(() => undefined)]);
  if (!key) return 0;
  if (mayDumpCore()) logger.warn(CORE_DUMPS);
  try {
    await run(config, { key, logger, stop });
  } finally {
    key.wipe();
  }
  return report(stop.failure(), logger);
}

async function run(config: Config, { key, logger, stop }: Given): Promise<void> {
  const owned = config.nats.url === undefined ? await startOwnNats(config, stop.signal) : undefined;
  if (owned) void keepRunning(owned, stop, logger);
  const natsUrl = natsServers(config.nats);
  const trust = natsTrust(config.nats);
  const natsClients = clientsServers(config.nats);
  const seed = owned ? natsSeed(config.nats.nodeNkeyFile) : existingNatsSeed(config.nats.nodeNkeyFile);
  let ownedClients: NatsServer | undefined;
  try {
    ownedClients = await startClientsNats(config, stop.signal);
    if (ownedClients) void keepRunning(ownedClients, stop, logger);
    const node = await Promise.race([
      TowerNode.start({
        config,
        key,
        natsSeed: seed,
        natsUrl,
        natsTrust: trust,
        natsClients,
        logger,
        stop: stop.stop,
        giveUp: stop.fail,
      }),
      stop.requested.then(() => undefined),
    ]);
    if (node) {
      const { httpUrls, webUrl } = node;
      const onion = onionOf(config, httpUrls, logger);
      const host = await onion?.start(ONION_MS);
      const { tower_id: towerId } = node.publicInfo();
      process.stdout.write(
        greeting(config, {
          towerId,
          natsUrl,
          httpUrls,
          webUrl,
          onion: onion && { host },
        }),
      );
      await stop.requested;
      logger.info('stopping');
      await onion?.stop();
      await Promise.race([node.stop(), sleep(STOP_MS)]);
    }
  } finally {
    await Promise.all([ownedClients?.stop(), owned?.stop()]);
  }
}

/** The onion service that the settings ask for. */
function onionOf({ tor, data }: Config, httpUrls: readonly string[], logger: Logger): OnionService | undefined {
  if (!tor) return undefined;
  const log = logger.child({ actor: 'onion-service' });
  return new OnionService({ config: tor, keyFile: onionKeyFile(data), targets: targetsOf(httpUrls), log });
}

/** What a run is given. */
interface Given {
  readonly key: TowerKey;
  readonly logger: Logger;
  readonly stop: ReturnType<typeof stopSignal>;
}

function report(failure: Error | undefined, logger: Logger): number {
  if (!failure) return 0;
  logger.fatal({ err: failure }, 'the node cannot go on');
  process.stderr.write(`argus: ${failure.message}\n`);
  return 1;
}

/** Logs go to stderr: as JSON lines, or, when a person watches, as readable ones. */
function createLogger(level: Config['logLevel']): Logger {
  const forPeople = {
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    destination: 2,
    sync: true,
  };
  return process.stderr.isTTY
    ? pino({ level, ...logLimits() }, pretty(forPeople))
    : pino({ level, ...logLimits() }, pino.destination({ dest: 2, sync: true }));
}

/** SIGINT or SIGTERM, or the node giving up; a second signal ends the process at once. */
function stopSignal() {
  const controller = new AbortController();
  let failure: Error | undefined;
  const requested = new Promise<void>((resolve) => {
    controller.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(1);
      controller.abort();
    });
  const fail = (error: Error) => {
    failure ??= error;
    controller.abort();
  };
  return { signal: controller.signal, requested, fail, stop: () => controller.abort(), failure: () => failure };
}

/** Starts the node's own nats-server again whenever it dies; the node is given up if that fails. */
async function keepRunning(server: NatsServer, stop: ReturnType<typeof stopSignal>, logger: Logger): Promise<void> {
  while (!stop.signal.aborted) {
    const exit = await server.child.exited;
    if (stop.signal.aborted) return;
    logger.error(exit, "the node's nats-server died; starting it again");
    await server.restart().catch(stop.fail);
  }
}
