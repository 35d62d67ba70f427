import { type ConnectionOptions, connect, type NatsConnection, nkeyAuthenticator, nkeys } from 'nats';
import pino from 'pino';
import { AuthCallout } from '../../actors/auth-callout/auth-callout.js';
import { issuerOf } from '../../actors/auth-callout/issuer.js';
import { asClient } from '../../actors/client/nats-courier.js';
import { natsKeys } from '../../cli/nats-keys.js';
import { findServer } from '../../cli/servers/find.js';
import { type NatsServer, type NatsServerOptions, startNatsServer } from '../../cli/servers/nats-server.js';
import { type Cleanup, tempDir } from './temp-dir.js';

/** Who connects: a node of the tower, its operator, its auditor, a client with an nkey of its own, or whoever has none. */
export type Role = 'node' | 'operator' | 'auditor' | 'public' | 'anyone';

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
  /** Has clients let in, as a node does, where there is none. */
  letClientsIn(): Promise<void>;
}

/** How a test wants its server. */
export interface TestNatsOptions {
  /** Further flags. */
  readonly extra?: string[];
  /** `nats.conf` unless told. */
  readonly config?: NatsServerOptions['config'];
  /** The server whose node, operator and auditor it knows, too. */
  readonly like?: TestNats;
}

/** Starts a real nats-server with our `nats.conf` on a free port, in a folder of its own; both are gone after the test. */
export async function startTestNats(t: Cleanup, options: TestNatsOptions = {}): Promise<TestNats> {
  const connections: NatsConnection[] = [];
  let server: NatsServer | undefined;
  t.after(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await server?.stop();
  }); // registered before the folder's removal, hence run before it
  const newSeed = () => new TextDecoder().decode(nkeys.createUser().getSeed());
  const { extra = [], config = 'nats.conf', like } = options;
  const node = like?.nodeSeed ?? newSeed();
  const operator = like?.operatorSeed ?? newSeed();
  const auditor = like?.auditorSeed ?? newSeed();
  const dataDir = tempDir(t);
  server = await startNatsServer({
    program: findServer('nats-server'),
    dataDir,
    keys: natsKeys(node, operator, auditor),
    config,
    extra,
  });
  const signIn = (seed: string) => nkeyAuthenticator(new TextEncoder().encode(seed));
  const roles: Record<Role, () => ConnectionOptions> = {
    node: () => ({ authenticator: signIn(node) }),
    operator: () => ({ authenticator: signIn(operator), inboxPrefix: '_INBOX_OPERATOR' }),
    auditor: () => ({ authenticator: signIn(auditor), inboxPrefix: '_INBOX_AUDITOR' }),
    public: () => asClient(),
    anyone: () => ({}),
  };
  const { url } = server;
  const connectAs = async (as: Role, more: ConnectionOptions = {}) => {
    const ours = { servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 50, noAsyncTraces: true };
    const connection = await connect({ ...ours, ...roles[as](), ...more });
    connections.push(connection);
    return connection;
  };
  return Object.assign(server, {
    dataDir,
    nodeSeed: node,
    operatorSeed: operator,
    auditorSeed: auditor,
    connect: connectAs,
    letClientsIn: async () => {
      const nc = await connectAs('node');
      new AuthCallout(nc, { issuer: issuerOf(node), log: pino({ level: 'silent' }) }).open();
      await nc.flush();
    },
  });
}
