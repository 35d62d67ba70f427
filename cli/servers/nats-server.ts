import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, platform, totalmem } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { nkeys } from 'nats';
import { packageRoot } from '../../actors/package-root.js';
import type { NatsKeys } from '../nats-keys.js';
import { type Child, startChild } from './child.js';
import { freePorts } from './ports.js';
import { type Server, serverOf, startOnPorts, untilReady } from './server.js';

/** What a NATS server is started with. */
export interface NatsServerOptions {
  /** The program; see `findServer`. */
  readonly program: string;
  /** A folder for the store and the log file; made when it is not there. */
  readonly dataDir: string;
  /** The address that it listens on; 127.0.0.1 when not given. */
  readonly host?: string;
  /** A free one when it is 0 or not given. */
  readonly port?: number;
  /** The public keys that it is told; those not given are nobody's. */
  readonly keys: Partial<NatsKeys>;
  /** PEM files; with them clients and nodes come over TLS only. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** Where it takes websockets, over TLS if the other port does. */
  readonly websocket?: { readonly host: string; readonly port: number } | undefined;
  /** The package's configuration file; `nats.conf` unless told. */
  readonly config?: 'nats.conf' | 'nats-cluster.conf' | 'nats-clients.conf';
  /** Whether it goes behind whatever else wants the processor: a nice value. */
  readonly nice?: number;
  /** What that file needs from the environment beside what every server does. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further command-line flags, for instance those of a cluster. */
  readonly extra?: readonly string[];
  /** The server's name; made of the data folder's path when not given, so that it is the same at each start. */
  readonly name?: string;
}

/** A running NATS server. */
export interface NatsServer extends Server {
  /** `nats://<host>:<port>` */
  readonly url: string;
  readonly port: number;
}

/**
 * Starts a nats-server with the package's `nats.conf`; resolves when it takes connections, which it does only after
 * JetStream has recovered its streams. Rejects with `ServerFailed`, quoting the server's last lines, when it ends
 * before that or is not ready in time.
 */
export function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  mkdirSync(options.dataDir, { recursive: true });
  const { host = LOOPBACK } = options;
  const wanted = options.port ? [options.port] : undefined;
  return startOnPorts(
    wanted,
    () => freePorts(1),
    async ([port = 0]) => {
      const launch = () => launchOn(host, port, options);
      const server = serverOf(await launch(), launch);
      return Object.assign(server, { url: `nats://${host}:${port}`, port });
    },
  );
}

const LOOPBACK = '127.0.0.1';

/** Variables that hold secrets, as the server is to have them: not at all. */
const SECRETS = { ARGUS_PASSPHRASE: undefined, ARGUS_BITCOIND_PASSWORD: undefined };

async function launchOn(host: string, port: number, options: NatsServerOptions): Promise<Child> {
  const { keys } = options;
  const dataDir = resolve(options.dataDir);
  const name = options.name ?? `argus-${createHash('sha256').update(dataDir).digest('hex').slice(0, 8)}`;
  const config = ['-c', configFile(dataDir, options), '-a', host, '-p', String(port), '-n', name];
  const child = await startChild({
    ...behind(options.nice, options.program, [...config, ...(options.extra ?? [])]),
    logFile: join(dataDir, 'nats-server.log'),
    env: {
      ARGUS_NATS_STORE: JSON.stringify(join(dataDir, 'store')), // the server parses the value: a space ends a bare one
      ARGUS_NODE_NKEY: keys.nodeNkey ?? nkeys.createUser().getPublicKey(),
      ARGUS_OPERATOR_NKEY: keys.operatorNkey ?? nkeys.createUser().getPublicKey(),
      ARGUS_AUDITOR_NKEY: keys.auditorNkey ?? nkeys.createUser().getPublicKey(),
      ARGUS_ISSUER_NKEY: keys.issuerNkey ?? nkeys.createAccount().getPublicKey(),
      // What else an operator may have put into our environment is not the server's business.
      ...SECRETS,
      GOMEMLIMIT: process.env.GOMEMLIMIT ?? memoryLimit(),
      // With more threads, one that goes behind would have more of the processors again.
      ...(options.nice === undefined && {
        GOMAXPROCS: process.env.GOMAXPROCS ?? String(THREADS_EACH * availableParallelism()),
      }),
      ...options.env,
    },
  });
  await untilReady('nats-server', child, async () => (await nameAt(host, port)) === name);
  return child;
}

/**
 * What is started so that it goes behind others. Linux shares processors out to sessions first, where it has them in groups (sched(7),
 * "The autogroup feature"), and each of our servers is a session, so the group is told, too.
 */
function behind(nice: number | undefined, program: string, args: readonly string[]) {
  if (nice === undefined || platform() === 'win32') return { program, args };
  return { program: '/bin/sh', args: ['-c', GO_BEHIND, String(nice), program, ...args] };
}

const GO_BEHIND = '( echo "$0" >/proc/self/autogroup ) 2>/dev/null; exec nice -n "$0" "$@"';

/** The package's file; or one in the data folder that includes it and says more, as an operator writes one. */
function configFile(dataDir: string, { config = 'nats.conf', tls, websocket }: NatsServerOptions): string {
  const ours = join(packageRoot, config);
  if (!tls && !websocket) return ours;
  const files =
    tls && `cert_file: ${JSON.stringify(resolve(tls.certFile))}, key_file: ${JSON.stringify(resolve(tls.keyFile))}`;
  const lines = [`include ${JSON.stringify(relative(dataDir, ours))}`]; // it is looked for beside this file
  if (files) lines.push(`tls { ${files} }`);
  if (websocket) {
    const { host, port } = websocket;
    const listen = JSON.stringify(`${host.includes(':') ? `[${host}]` : host}:${port}`);
    lines.push(`websocket { listen: ${listen}, ${files ? `tls { ${files} }` : 'no_tls: true'} }`);
  }
  const file = join(dataDir, 'nats-server.conf');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** A quarter of the machine's memory, at most 1 GiB: without a limit the Go runtime lets replays grow it to that and more. */
const memoryLimit = (): string => `${Math.min(1024, Math.floor(totalmem() / 4 / 2 ** 20))}MiB`;

/**
 * So many threads for each processor, where the Go runtime has one: what it has to do for a flood of requests takes all of those, and lets
 * nobody else's message be read for tens of milliseconds. With more, it is the system that shares the processors out.
 */
const THREADS_EACH = 4;

/** The name of the NATS server that listens there: the first line that a server says is `INFO {"server_name": …}`. */
function nameAt(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect({ host, port, timeout: 2_000 });
    const done = (name?: string) => {
      socket.destroy();
      resolve(name);
    };
    socket.on('data', (bytes) => {
      said += bytes.toString('latin1');
      if (said.includes('\n')) done(/"server_name":"([^"]*)"/.exec(said)?.[1]);
    });
    socket.on('error', () => done());
    socket.on('timeout', () => done());
    socket.on('close', () => done());
  });
}
