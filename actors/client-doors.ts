import type { Logger } from 'pino';
import type { DoorsNeeds } from './doors.js';
import type { Duty } from './duty.js';
import { DoorThread } from './gateway/door-thread.js';
import type { Turnstile } from './gateway/turnstile.js';
import { version } from './version.js';

/** The tower's doors to its clients, on a thread of their own. */
export function doorThreadOf(needs: DoorsNeeds, { turnstile, duty, log }: ClientDoorsNeeds): DoorThread {
  const { options, tls, isAble, publicInfo, limits, meters } = needs;
  const { config, natsSeed: seed, patience } = options;
  const { natsClients = { servers: options.natsUrl, trust: options.natsTrust } } = options;
  const { listen: http, maxConnections, maxConnectionsPerSource, trustedProxies } = config.http;
  return new DoorThread({
    setting: {
      nats: { ...natsClients, seed, name: `argus ${config.node} doors` },
      version,
      http,
      maxConnections,
      maxConnectionsPerSource,
      trustedProxies,
      tls,
      patience,
      logLevel: log.level,
      stretch: needs.precedence.stretch,
    },
    turnstile,
    standing: () => ({ isOn: duty.isOn, isAble: isAble(), info: publicInfo(), limits: { ...limits } }),
    meter: meters,
    log,
  });
}

interface ClientDoorsNeeds {
  readonly turnstile: Turnstile;
  /** Whether the node takes requests. */
  readonly duty: Duty;
  readonly log: Logger;
}
