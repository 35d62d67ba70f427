import { join } from 'node:path';
import type { NatsConnection } from 'nats';
import { findServer } from '../../cli/servers/find.js';
import { type NatsServer, type NatsServerOptions, startNatsServer } from '../../cli/servers/nats-server.js';
import { freePorts } from '../../cli/servers/ports.js';
import { clusterOptions } from '../support/nats-cluster.js';
import type { Place } from './place.js';

export interface NatsServersOptions {
  /** One server, or several that are a cluster, named n0, n1, n2. */
  readonly count: number;
  /** Takes a folder for each server. */
  readonly folder: string;
  /** Where the server of a name runs. */
  readonly placeOf: (name: string) => Promise<Place>;
  readonly keys: NatsServerOptions['keys'];
  /** Further flags of each. */
  readonly extra?: readonly string[];
  /** Told of each that runs, also if another does not. */
  readonly started: (server: NatsServer) => void;
}

/** Starts them at once, since none of a cluster is ready without the others. */
export async function startNatsServers(options: NatsServersOptions): Promise<NatsServer[]> {
  const { count, folder, placeOf, extra = [], keys, started } = options;
  const places = await Promise.all(Array.from({ length: count }, (_, i) => placeOf(`n${i}`)));
  const ports = await freePorts(count);
  const routes = count > 1 ? places.map(({ host }, i) => `nats://${host}:${ports[i]}`) : [];
  const start = async (name: string, { host, program: on }: Place, route: string | undefined) => {
    const program = on(findServer('nats-server'));
    const own: ReturnType<typeof clusterOptions> = route === undefined ? { name } : clusterOptions(name, route, routes);
    const flags = [...(own.extra ?? []), ...extra];
    const dataDir = join(folder, name);
    const server = await startNatsServer({ program, host, keys, dataDir, ...own, extra: flags });
    started(server);
    return server;
  };
  return Promise.all(places.map((place, i) => start(`n${i}`, place, routes[i])));
}

/** Which of them leads a stream: its name; undefined while none does. `nc` is a node's connection. */
export async function leaderOf(nc: NatsConnection, stream: string): Promise<string | undefined> {
  const { cluster } = await (await nc.jetstreamManager({ checkAPI: false, timeout: 2_000 })).streams.info(stream);
  return cluster?.leader;
}

/** Whether every stream has a leader, and all of its other replicas are there and have all of it. */
export async function isWhole(nc: NatsConnection): Promise<boolean> {
  const jsm = await nc.jetstreamManager({ checkAPI: false, timeout: 2_000 });
  const streams = await jsm.streams.list().next();
  return (
    streams.length > 0 &&
    streams.every(
      ({ cluster }) => !cluster || (cluster.leader && cluster.replicas?.every((one) => one.current && !one.offline)),
    )
  );
}
