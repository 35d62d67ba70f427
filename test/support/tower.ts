import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import pino from 'pino';
import { z } from 'zod';
import { TowerClient } from '../../actors/client/tower-client.js';
import { type Config, readConfig } from '../../actors/config.js';
import type { Patience } from '../../actors/gateway/http-door.js';
import { TowerNode } from '../../actors/node.js';
import type { Signatures } from '../../actors/node-options.js';
import { type TowerKey, towerKey } from '../../actors/secrets.js';
import type { Bitcoind } from '../../cli/servers/bitcoind.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { trackerAggregate } from '../../events/aggregate.js';
import type { Recorded } from '../../events/commit.js';
import type { Locator, Shard, Txid, UserId } from '../../events/ids.js';
import { EventLog } from '../../events/log/log.js';
import { appointmentId } from '../../events/signing/appointment.js';
import type { Dialect } from '../../events/signing/receipts.js';
import { startTestBitcoind } from './bitcoind.js';
import { lazyCourier } from './lazy-courier.js';
import { startTestNats, type TestNats } from './nats.js';
import { type Cleanup, tempDir } from './temp-dir.js';
import { until } from './until.js';

/** A whole tower on real servers, as a test's own. */
export interface TestTower {
  readonly nats: TestNats;
  /** Where clients come in over NATS. */
  readonly clientsNats: TestNats;
  readonly bitcoind: Bitcoind;
  readonly chain: RegtestChain;
  readonly key: TowerKey;
  readonly config: Config;
  /** The node that runs now. */
  readonly node: TowerNode;
  /** What a node gave up with, if one did. */
  readonly gaveUp: readonly Error[];
  /** What the nodes have logged, in order. */
  readonly said: readonly LogLine[];
  /** Starts one more node, with the same key, on the same log; with servers of its own, if any are given. */
  startNode(name: string, own?: OwnServers): Promise<TowerNode>;
  /** Stops the node and starts another on the same log. */
  restartNode(): Promise<void>;
  stopNode(): Promise<void>;
  newClient(
    dialect?: Dialect,
    options?: { readonly timeoutMs?: number; readonly secretKey?: Uint8Array },
  ): Promise<TowerClient>;
}

/** A line of a node's log. */
export interface LogLine {
  /** 30 is info, 40 a warning, 50 an error. */
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** Settings of a node that takes whatever comes. */
export const NO_RATES = {
  'limits.registrations_per_minute': '0',
  'limits.user_requests_per_second': '0',
  'limits.source_requests_per_second': '0',
} as const;

/** What a node has to itself: another way to NATS, another bitcoind, other settings. */
export interface OwnServers {
  readonly natsUrl?: string;
  readonly bitcoind?: Pick<Bitcoind, 'rpcUrl' | 'cookieFile' | 'zmqUrl'>;
  readonly settings?: Readonly<Record<string, string | undefined>>;
}

export interface TestTowerOptions {
  readonly settings?: Readonly<Record<string, string>>;
  /** `false` leaves it to `restartNode` to start the first node. */
  readonly begin?: boolean;
  /** Whether the mempool is watched; not unless told. */
  readonly mempool?: boolean;
  /** The key that the tower signs with; a new one unless told. */
  readonly key?: TowerKey;
  /** Who recovers keys and signs for the nodes; each its own pool unless told. */
  readonly signatures?: Signatures;
  /** Whether other bitcoinds may connect to the tower's; not unless told. */
  readonly listen?: boolean;
  /** How long HTTP clients are given. */
  readonly patience?: Patience;
  /** From which level on the nodes' logs are kept; `info` unless told. */
  readonly logLevel?: 'debug';
  /** Flags of a nats-server of the clients' own; without them they come to the one with the log. */
  readonly clientsNatsFlags?: string[];
  /** Further flags of the nats-server. */
  readonly natsFlags?: string[];
  /** The way of the first node to the nats-server on a port, if it is not the direct one: a URL. */
  readonly through?: (port: number) => Promise<string>;
  /** Further arguments of bitcoind. */
  readonly bitcoindArgs?: readonly string[];
}

/** Starts nats-server, bitcoind with 110 blocks, and one node that is level with them. */
export async function startTestTower(t: Cleanup, options: TestTowerOptions = {}): Promise<TestTower> {
  const { settings = {}, begin = true, mempool = false, listen = false, natsFlags = [], patience, through } = options;
  const [nats, bitcoind] = await Promise.all([
    startTestNats(t, { extra: natsFlags }),
    startTestBitcoind(t, { listen, extraArgs: options.bitcoindArgs ?? [] }),
  ]);
  const { clientsNatsFlags: extra } = options;
  const clientsNats = extra && (await startTestNats(t, { like: nats, config: 'nats-clients.conf', extra }));
  const natsClients = clientsNats && { servers: clientsNats.url, trust: undefined };
  const chain = new RegtestChain(bitcoind.rpc);
  await chain.mine(110);
  const data = tempDir(t);
  const key = options.key ?? towerKey(`${data}/tower.key`);
  const configFor = (node: string, own: OwnServers = {}) => {
    const { rpcUrl, cookieFile, zmqUrl } = own.bitcoind ?? bitcoind;
    return readConfig({
      env: {},
      flags: {
        network: 'regtest',
        data,
        node,
        'bitcoind.url': rpcUrl,
        'bitcoind.cookie_file': cookieFile,
        'bitcoind.zmq_hashblock': zmqUrl,
        ...(mempool && { 'bitcoind.zmq_sequence': zmqUrl }),
        'http.listen': 'off',
        'web.listen': 'off',
        // All clients of a test come from one place, as fast as they can.
        ...NO_RATES,
        ...settings,
        ...own.settings,
      },
    });
  };
  const gaveUp: Error[] = [];
  const said: LogLine[] = [];
  const logger = pino(
    { level: process.env.ARGUS_TEST_LOG ?? options.logLevel ?? 'info' },
    { write: (line) => note(said, line) },
  );
  const running: TowerNode[] = [];
  t.after(async () => {
    for (const node of running) await node.stop();
  });
  const startNode = async (name: string, own: OwnServers = {}) => {
    const config = configFor(name, own);
    const { signatures } = options;
    const natsUrl = own.natsUrl ?? nats.url;
    const given = { config, key, natsSeed: nats.nodeSeed, natsUrl, natsClients, logger, patience, signatures };
    const stop = () => {
      running.splice(running.indexOf(node), 1);
      void node.stop();
    };
    const node: TowerNode = await TowerNode.start({ ...given, stop, giveUp: (error) => gaveUp.push(error) });
    running.push(node);
    return node;
  };
  const way = through ? { natsUrl: await through(nats.port) } : {};
  let first = begin ? await startNode('one', way) : undefined;
  const theNode = () => first ?? assert.fail('no node was started');
  const stopNode = async () => {
    const node = theNode();
    running.splice(running.indexOf(node), 1);
    await node.stop();
  };
  if (begin) await untilLevel(theNode, chain);
  if (begin) await Promise.all(theNode().httpUrls.map(untilTaken));
  return {
    nats,
    clientsNats: clientsNats ?? nats,
    bitcoind,
    chain,
    key,
    config: configFor('one'),
    get node() {
      return theNode();
    },
    gaveUp,
    said,
    startNode,
    stopNode,
    restartNode: async () => {
      if (first && running.includes(first)) await stopNode();
      first = await startNode('one', way);
    },
    newClient: async (dialect = 'rust', options) =>
      new TowerClient(
        lazyCourier(() => (clientsNats ?? nats).connect('public')),
        {
          towerId: key.towerId,
          secretKey: secretKey(),
          dialect,
          ...options,
        },
      ),
  };
}

function note(said: LogLine[], line: string): void {
  said.push(JSON.parse(line));
  if (process.env.ARGUS_TEST_LOG) process.stdout.write(line);
}

export const secretKey = (): Uint8Array => new Uint8Array(randomBytes(32));

/** Resolves when the node's chain has bitcoind's tip, scanned by every shard. */
export async function untilLevel(node: () => TowerNode, chain: RegtestChain): Promise<void> {
  const tip = await chain.tip();
  await until(`the tower is at ${tip}`, () => {
    const { chain, shards } = node();
    const known = chain.state.tip;
    return known?.hash === tip && shards.length > 0 && shards.every(({ scans }) => scans.isScanned(known));
  });
}

/** Resolves when connections are taken at a URL. */
async function untilTaken(url: string): Promise<void> {
  const { port, hostname } = new URL(url);
  await until(`${url} is open`, async () => {
    const socket = connect(Number(port), hostname);
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  });
}

/** Whether bitcoind has a transaction in its mempool. */
export async function isInMempool({ bitcoind }: Pick<TestTower, 'bitcoind'>, txid: Txid): Promise<boolean> {
  return z
    .array(z.string())
    .parse(await bitcoind.rpc.call('getrawmempool'))
    .includes(txid);
}

/** What happened to a breach, read from the log: an event's name, and what tells one from another of its name. */
export async function historyTypes(
  tower: Pick<TestTower, 'nats'>,
  userId: UserId,
  locator: Locator,
): Promise<string[]> {
  const log = await EventLog.open(await tower.nats.connect('node'));
  const commits = await log.load(trackerAggregate(appointmentId(locator, userId)), 0 as Shard);
  return commits.flatMap(({ events }) => events.map(nameOf));
}

function nameOf(event: Recorded['events'][number]): string {
  switch (event.type) {
    case 'BreachDetected':
      return `${event.type} by ${event.foundBy}`;
    case 'PenaltyOutspent':
      return `${event.type} by ${event.spentBy}`;
    case 'BlobRefused':
      return `${event.type} ${event.reason}`;
    case 'PenaltyRefused':
      return `${event.type} ${event.verdict}${event.final ? ', given up' : ''}`;
    default:
      return event.type;
  }
}
