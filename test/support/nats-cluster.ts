import { join } from 'node:path';
import { type ConnectionOptions, connect, type NatsConnection, nkeyAuthenticator, nkeys } from 'nats';
import { natsKeys } from '../../cli/nats-keys.js';
import { findServer } from '../../cli/servers/find.js';
import { type NatsServer, type NatsServerOptions, startNatsServer } from '../../cli/servers/nats-server.js';
import { freePorts } from '../../cli/servers/ports.js';
import type { Certificate } from './certificates.js';
import { type Cleanup, tempDir } from './temp-dir.js';

/** Three NATS servers that are one cluster, as a test's own: `n0`, `n1`, `n2`. */
export interface TestCluster {
  readonly servers: readonly NatsServer[];
  /** Where each takes the others: `nats://127.0.0.1:port`. */
  readonly routes: readonly string[];
  /** Where each has its store, `store`. */
  readonly folders: readonly string[];
  readonly nodeSeed: string;
  readonly operatorSeed: string;
  /** The addresses of all, as `nats.url` takes them. */
  readonly url: string;
  /** A connection to whichever answers, as a node unless the options say otherwise; closed after the test. */
  connect(options?: ConnectionOptions): Promise<NatsConnection>;
}

export interface TestClusterOptions {
  /** Makes each server's certificate, for a name; without it routes are plain. */
  readonly certificate?: (name: string) => Certificate;
  /** The keys to let in; new ones unless told. */
  readonly keys?: { readonly nodeSeed: string; readonly operatorSeed: string; readonly auditorSeed?: string };
}

/** Starts them, from `nats-cluster.conf` if there are certificates, else from `nats.conf` and flags. */
export async function startTestCluster(t: Cleanup, options: TestClusterOptions = {}): Promise<TestCluster> {
  const { certificate, keys } = options;
  const servers: NatsServer[] = [];
  const connections: NatsConnection[] = [];
  t.after(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await Promise.all(servers.map((server) => server.stop()));
  }); // registered before the folder's removal, hence run before it
  const newSeed = () => new TextDecoder().decode(nkeys.createUser().getSeed());
  const { nodeSeed: node, operatorSeed: operator } = keys ?? { nodeSeed: newSeed(), operatorSeed: newSeed() };
  const auditor = keys?.auditorSeed ?? newSeed();
  const routes = (await freePorts(3)).map((port) => `nats://127.0.0.1:${port}`);
  const folder = tempDir(t);
  await Promise.all(
    routes.map(async (route, i) => {
      const name = `n${i}`;
      servers[i] = await startNatsServer({
        program: findServer('nats-server'),
        dataDir: join(folder, name),
        keys: natsKeys(node, operator, auditor),
        ...clusterOptions(name, route, routes, certificate?.(name)),
      });
    }),
  );
  return {
    servers,
    routes,
    folders: routes.map((_, i) => join(folder, `n${i}`)),
    nodeSeed: node,
    operatorSeed: operator,
    url: servers.map(({ url }) => url).join(','),
    connect: async (options) => {
      const connection = await connect({
        servers: servers.map(({ url }) => url),
        authenticator: nkeyAuthenticator(new TextEncoder().encode(node)),
        maxReconnectAttempts: -1,
        reconnectTimeWait: 50,
        ...options,
      });
      connections.push(connection);
      return connection;
    },
  };
}

/** What one server of a cluster is started with, beside what every server is. */
export function clusterOptions(
  name: string,
  route: string,
  routes: readonly string[],
  certificate?: Certificate,
): Pick<NatsServerOptions, 'name' | 'config' | 'env' | 'extra'> {
  if (!certificate)
    return { name, extra: ['--cluster_name', 'argus', '--cluster', route, '--routes', routes.join(',')] };
  const env = {
    ARGUS_NATS_NAME: name,
    ARGUS_NATS_CLUSTER: new URL(route).host,
    ARGUS_NATS_ROUTES: JSON.stringify(routes),
    ARGUS_NATS_CERT: JSON.stringify(certificate.cert),
    ARGUS_NATS_KEY: JSON.stringify(certificate.key),
    ARGUS_NATS_CA: JSON.stringify(certificate.ca),
  };
  return { name, config: 'nats-cluster.conf', env };
}
