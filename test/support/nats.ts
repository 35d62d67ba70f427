import { type ConnectionOptions, connect, type NatsConnection, nkeyAuthenticator, nkeys } from 'nats';
import { findServer } from '../../cli/servers/find.js';
import { type NatsServer, startNatsServer } from '../../cli/servers/nats-server.js';
import { type Cleanup, tempDir } from './temp-dir.js';

/** Who connects: a node of the tower, its operator, its auditor, or a client without a secret. */
export type Role = 'node' | 'operator' | 'auditor' | 'public';

/** A NATS server that belongs to a test, and the secrets of those who may connect to it. */
export interface TestNats extends NatsServer {
  /** nkey seeds (SU…) */
  readonly nodeSeed: string;
  readonly operatorSeed: string;
  readonly auditorSeed: string;
  /** Where it keeps its store. */
  readonly dataDir: string;
  /** A new connection, which reconnects for ever and is closed after the test. The options win over ours. */
  connect(as: Role, options?: ConnectionOptions): Promise<NatsConnection>;
}

/** Starts a real nats-server with our `nats.conf` on a free port, in a folder of its own; both are gone after the test. */
export async function startTestNats(t: Cleanup, options: { readonly extra?: string[] } = {}): Promise<TestNats> {
  const connections: NatsConnection[] = [];
  let server: NatsServer | undefined;
  t.after(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await server?.stop();
  }); // registered before the folder's removal, hence run before it
  const [node, operator, auditor] = [nkeys.createUser(), nkeys.createUser(), nkeys.createUser()];
  const dataDir = tempDir(t);
  server = await startNatsServer({
    program: findServer('nats-server'),
    dataDir,
    nodeNkey: node.getPublicKey(),
    operatorNkey: operator.getPublicKey(),
    auditorNkey: auditor.getPublicKey(),
    extra: options.extra ?? [],
  });
  const roles: Record<Role, ConnectionOptions> = {
    node: { authenticator: nkeyAuthenticator(node.getSeed()) },
    operator: { authenticator: nkeyAuthenticator(operator.getSeed()), inboxPrefix: '_INBOX_OPERATOR' },
    auditor: { authenticator: nkeyAuthenticator(auditor.getSeed()), inboxPrefix: '_INBOX_AUDITOR' },
    public: {},
  };
  const { url } = server;
  return Object.assign(server, {
    dataDir,
    nodeSeed: new TextDecoder().decode(node.getSeed()),
    operatorSeed: new TextDecoder().decode(operator.getSeed()),
    auditorSeed: new TextDecoder().decode(auditor.getSeed()),
    connect: async (as: Role, more: ConnectionOptions = {}) => {
      const ours = { servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 50, noAsyncTraces: true };
      const connection = await connect({ ...ours, ...roles[as], ...more });
      connections.push(connection);
      return connection;
    },
  });
}
