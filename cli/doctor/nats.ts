import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type NatsConnection, NatsError } from 'nats';
import { z } from 'zod';
import type { Config } from '../../actors/config.js';
import { clientsServers, natsServers, natsTrust } from '../../actors/config-nats.js';
import { existingNatsSeed } from '../../actors/secrets.js';
import { shownUrl } from '../../actors/shown-url.js';
import { compareVersions, connectLog, OLDEST_SERVER, UnfitServerError } from '../../events/log/connection.js';
import { whyNoConnection } from '../operator.js';
import { findServer, ServerNotFound } from '../servers/find.js';
import { compareClocks } from './clock.js';
import { about, type Finding, said } from './finding.js';
import { addressesOf } from './ports.js';
import { examineRoom } from './room.js';
import { examineStreams } from './streams.js';
import { MONITORING_PORT, syncOf } from './sync.js';

const { ok, warning, problem, unknown } = about('nats');

/** The NATS server, or servers, that hold the log, and what they hold of it. */
export async function examineNats(config: Config, monitoringPort = MONITORING_PORT): Promise<Finding[]> {
  const isOwn = config.nats.url === undefined;
  const program = isOwn ? [await programOf()] : [];
  let seed: string;
  try {
    seed = existingNatsSeed(config.nats.nodeNkeyFile);
  } catch {
    // Why is said of the file; the first start of a node with a server of its own makes it.
    const findings = isOwn
      ? await portsOf(config)
      : [unknown('the NATS servers are not asked: there is no key for them')];
    return [...program, ...findings];
  }
  const tries = await Promise.all(
    natsServers(config.nats)
      .split(',')
      .map((server) => reach(config, server, seed)),
  );
  const there = tries.flatMap(({ nc }) => (nc ? [nc] : []));
  try {
    const [first] = there;
    if (!first) return [...program, ...(isOwn ? await notUp(config, tries) : tries.map(({ finding }) => finding))];
    return [
      ...program,
      // Of a cluster one may be away.
      ...tries.map(({ nc, finding }) => (nc ? finding : warning(finding.what, finding.cure ?? ''))),
      await clockOf(first),
      ...(await Promise.all(there.map((nc) => (isOwn ? ownSync : syncOf(nc, monitoringPort))))),
      ...(await examineRoom(first, config)),
      ...(await examineStreams(first, config)),
      ...(await clientsOf(config, seed)),
    ];
  } finally {
    await Promise.all(there.map((nc) => nc.close()));
  }
}

interface Try {
  readonly nc?: NatsConnection;
  readonly finding: Finding;
  readonly cause?: unknown;
}

async function reach(config: Config, servers: string, seed: string): Promise<Try> {
  const server = shownUrl(servers);
  const file = config.nats.nodeNkeyFile;
  try {
    const nc = await connectLog({ servers, seed, trust: natsTrust(config.nats), name: 'argus doctor' });
    const { version } = nc.info ?? {};
    return { nc, finding: ok(`nats-server ${version} at ${server} knows this node's key`) };
  } catch (cause) {
    const cure =
      cause instanceof UnfitServerError ? `install nats-server ${OLDEST_SERVER} or newer there` : cureOf(cause, config);
    return { cause, finding: problem(`${server} ${whyNoConnection(cause, file, 'it')}`, cure) };
  }
}

function cureOf(cause: unknown, { nats, data }: Config): string {
  const code = cause instanceof NatsError ? cause.code : undefined;
  if (code === 'AUTHORIZATION_VIOLATION')
    return 'start that server with the ARGUS_NODE_NKEY that argus nkeys prints, or copy nats/node.nkey from a node that it knows';
  if (code === 'CONNECTION_REFUSED' || code === 'TIMEOUT')
    return `start it: env $(argus nkeys --data ${data}) ARGUS_NATS_STORE=/var/lib/argus nats-server -c nats.conf; or nats.url = "..." in argus.toml`;
  return `nats.url and nats.ca_file in argus.toml (now ${shownUrl(nats.url ?? 'not set')}, ${nats.caFile ?? 'not set'})`;
}

const ownSync = about('nats').ok(
  'each message is on the disk before it is acknowledged (sync_interval: always, in nats.conf)',
);

/** The program that a node starts for itself. */
async function programOf(): Promise<Finding> {
  const get = `install nats-server ${OLDEST_SERVER} or newer, or name it: NATS_SERVER=/path/to/nats-server`;
  try {
    const file = findServer('nats-server');
    const { stdout } = await promisify(execFile)(file, ['--version'], { timeout: 10_000 });
    const [, found = '0.0.0'] = /v(\d+\.\d+\.\d+)/.exec(stdout) ?? [];
    const what = `the node's own nats-server is ${found} (${file})`;
    return compareVersions(found, OLDEST_SERVER) >= 0 ? ok(what) : problem(`${what}, which is too old`, get);
  } catch (error) {
    return problem(error instanceof ServerNotFound ? error.message : `nats-server does not run: ${said(error)}`, get);
  }
}

/** A server of the node's own that does not run is in order: the node starts it. Somebody else in its place is not. */
async function notUp(config: Config, [one]: readonly Try[]): Promise<Finding[]> {
  const isFree = one?.cause instanceof NatsError && one.cause.code === 'CONNECTION_REFUSED';
  if (isFree) return portsOf(config);
  const { host, port } = config.nats;
  const what = `something listens at ${host}:${port}, and is not this node's nats-server: ${one?.finding.what}`;
  return [problem(what, 'stop it, or nats.port = ... (--nats-port) in argus.toml')];
}

async function portsOf(config: Config): Promise<Finding[]> {
  const { host, port, websocket, clientsListen } = config.nats;
  const places = [
    { host, port, setting: 'nats.port' },
    ...(clientsListen ? [{ ...clientsListen, setting: 'nats.clients_listen' }] : []),
    ...(websocket ? [{ ...websocket, setting: 'nats.websocket' }] : []),
  ];
  const found = await Promise.all(places.map((place) => addressesOf('nats', place)));
  return [
    ...found.map((finding) =>
      finding.state === 'ok'
        ? { ...finding, what: `${finding.what}: the node starts its own nats-server there` }
        : finding,
    ),
    unknown(
      'the log is not looked at, since the nats-server that keeps it does not run',
      'run argus doctor again when the node is up',
    ),
  ];
}

/** The servers that clients come to, where those are others: without them the tower watches, and serves HTTP clients. */
async function clientsOf({ nats }: Config, seed: string): Promise<Finding[]> {
  const { servers, trust } = clientsServers(nats);
  if (servers === natsServers(nats)) return [];
  const tries = servers.split(',').map(async (server) => {
    const shown = shownUrl(server);
    try {
      const nc = await connectLog({ servers: server, seed, trust, name: 'argus doctor' });
      await nc.close();
      return ok(`nats-server at ${shown}, for clients alone, knows this node's key`);
    } catch (cause) {
      const what = `${shown}, for clients, ${whyNoConnection(cause, nats.nodeNkeyFile, 'it')}`;
      return problem(
        what,
        'start it as nats-clients.conf says, with what argus nkeys prints; or nats.clients_url in argus.toml',
      );
    }
  });
  return Promise.all(tries);
}

/** The server's own clock, which is on every message of the log. */
async function clockOf(nc: NatsConnection): Promise<Finding> {
  const asked = Date.now();
  const answer = await nc.request('$SYS.REQ.USER.INFO', '', { timeout: 5_000 }).catch(() => undefined);
  const answered = Date.now();
  const time = UserInfo.safeParse(answer?.json()).data?.server.time;
  if (time === undefined) return about('clock').unknown(`nats-server ${nc.getServer()} does not tell its time`);
  return compareClocks({ whose: 'the NATS server', theirs: Date.parse(time), asked, answered });
}

const UserInfo = z.object({ server: z.object({ time: z.string() }) });
