import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { type ConnectionOptions, connect, type NatsConnection, nkeyAuthenticator } from 'nats';
import { asClient } from '../../actors/client/nats-courier.js';
import { packageRoot } from '../../actors/package-root.js';
import { natsSeed, towerKey } from '../../actors/secrets.js';
import { natsKeys } from '../../cli/nats-keys.js';
import { type Bitcoind, startBitcoind } from '../../cli/servers/bitcoind.js';
import { findServer } from '../../cli/servers/find.js';
import type { NatsServer } from '../../cli/servers/nats-server.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import type { Cleanup } from '../support/temp-dir.js';
import { until } from '../support/until.js';
import { Link, type Miner } from './link.js';
import { startNatsServers } from './nats-servers.js';
import type { Network } from './network.js';
import { type NodeLine, startNodeLine } from './node-line.js';
import { HERE, type Place } from './place.js';
import { startTowerNode, type TowerProcess } from './tower-process.js';
import { Victim } from './victim.js';

export interface StageOptions {
  readonly shards: number;
  /** How many NATS servers: three are a cluster, and the log has three replicas. */
  readonly servers: number;
  readonly nodes: number;
  /** Whether the nodes' ways to NATS can be disturbed. */
  readonly lines?: boolean;
  /** Gives each process a machine of its own, of its name; a node then has a NATS server that it goes to first. */
  readonly network?: Network | undefined;
  /** Settings of the NATS servers that win over those of `nats.conf`, in its syntax. */
  readonly natsSettings?: string;
  /** Hears of a process that ended although it was meant to run. */
  readonly onDeath: (what: string) => void;
}

/** One node of the tower, and what it stands on. */
export interface StageNode {
  readonly name: string;
  readonly victim: Victim;
  readonly miner: Miner;
}

/** How a node reaches its servers: straight, unless told. */
export interface Ways {
  readonly natsUrl?: string;
  readonly rpcUrl?: string;
}

const NAMES = ['one', 'two', 'three', 'four', 'five'];

/** Everything that runs: NATS, two bitcoinds that are peers, nodes of one tower in turns on either, each a process of its own. */
export class Stage implements Cleanup {
  /** Holds the servers' data and logs. */
  readonly folder = mkdtempSync(join(tmpdir(), 'argus-stage-'));
  readonly data = join(this.folder, 'tower');
  readonly towerId: string;
  readonly #seeds: { readonly node: string; readonly operator: string; readonly auditor: string };
  readonly #running: { stop(): Promise<unknown> }[] = [];
  readonly #connections: NatsConnection[] = [];
  readonly #watched: Victim[] = [];
  readonly nodes: StageNode[] = [];
  /** The NATS servers: n0, n1, n2. */
  readonly servers: { readonly name: string; readonly victim: Victim; readonly server: NatsServer }[] = [];
  readonly lines: { readonly name: string; readonly line: NodeLine }[] = [];
  #link: Link | undefined;
  #cleared = false;

  constructor(readonly options: StageOptions) {
    mkdirSync(this.data, { recursive: true });
    this.towerId = towerKey(join(this.data, 'tower.key')).towerId;
    const seedOf = (name: string) => natsSeed(join(this.data, 'nats', `${name}.nkey`));
    this.#seeds = { node: seedOf('node'), operator: seedOf('operator'), auditor: seedOf('auditor') };
  }

  /** Of the NATS servers, with commas between them. */
  get natsUrl(): string {
    return this.#natsUrlFrom(0);
  }

  /** The same, with that of a number first. */
  #natsUrlFrom(first: number): string {
    const urls = this.servers.map(({ server }) => server.url);
    return [...urls.slice(first), ...urls.slice(0, first)].join(',');
  }

  get link(): Link {
    return this.#link ?? fail();
  }

  /** Every process. */
  get victims(): readonly Victim[] {
    const miners = this.#link?.miners ?? [];
    return [...miners, ...this.servers, ...this.nodes].map(({ victim }) => victim);
  }

  /** Starts the servers, with a chain of 110 blocks, and the nodes, whose ways are straight or as `waysOf` says. */
  async build(waysOf: (name: string, bitcoind: Bitcoind) => Promise<Ways> = async () => ({})): Promise<void> {
    const [servers, [a = fail(), b = fail()]] = await Promise.all([this.#startNats(), this.#startBitcoinds()]);
    for (const [i, server] of servers.entries())
      this.servers.push({ name: `n${i}`, server, victim: this.#victim(`nats-server n${i}`, server) });
    this.#link = new Link(a, b);
    await a.chain.mine(110);
    await this.#link.join();
    const { nodes, lines, network } = this.options;
    const start = async (name: string, i: number) => {
      const miner = i % 2 === 0 ? a : b;
      const line = lines ? await startNodeLine(this, servers) : undefined;
      if (line) this.lines.push({ name: `node ${name}'s line`, line });
      const natsUrl = line?.url ?? this.#natsUrlFrom(network ? i % servers.length : 0);
      const ways = { natsUrl, ...(await waysOf(name, miner.bitcoind)) };
      const victim = this.#victim(`node ${name}`, await this.startNode(name, miner.bitcoind, ways));
      return { name, victim, miner };
    };
    const names = NAMES.slice(0, nodes);
    this.nodes.push(...(await Promise.all(names.map(start))));
  }

  async #startNats(): Promise<NatsServer[]> {
    const { servers: count, lines, natsSettings } = this.options;
    const { node, operator, auditor } = this.#seeds;
    const config = join(this.folder, 'nats.conf');
    const ours = relative(this.folder, join(packageRoot, 'nats.conf')); // an include is looked for beside its file
    if (natsSettings) writeFileSync(config, `include "${ours}"\n${natsSettings}\n`);
    return startNatsServers({
      count,
      folder: join(this.folder, 'nats'),
      placeOf: (name) => this.#place(name),
      keys: natsKeys(node, operator, auditor),
      extra: [...(lines ? ['--no_advertise'] : []), ...(natsSettings ? ['-c', config] : [])],
      started: (server) => this.#started(server),
    });
  }

  #startBitcoinds(): Promise<Miner[]> {
    const start = async (name: string) => {
      const dataDir = join(this.folder, `bitcoind-${name}`);
      const { host, program } = await this.#place(name);
      const bitcoind = await startBitcoind({
        program: program(findServer('bitcoind')),
        host,
        dataDir,
        listen: true,
        extraArgs: [`-rpcallowip=${host}/24`],
      });
      this.#started(bitcoind);
      return {
        bitcoind,
        victim: this.#victim(`bitcoind ${name}`, bitcoind),
        chain: new RegtestChain(bitcoind.rpc),
      };
    };
    return Promise.all(['a', 'b'].map(start));
  }

  async #place(name: string): Promise<Place> {
    return this.options.network?.machine(name) ?? HERE;
  }

  /** Has something ended when the stage is cleared. */
  after(end: () => unknown): void {
    this.#running.push({ stop: async () => end() });
  }

  /** One more node on the same log. */
  async startNode(name: string, bitcoind: Bitcoind, ways: Ways = {}): Promise<TowerProcess> {
    const { data, options } = this;
    const { natsUrl = this.natsUrl, rpcUrl = bitcoind.rpcUrl } = ways;
    const { cookieFile, zmqUrl } = bitcoind;
    return this.#started(
      await startTowerNode({
        name,
        place: await this.#place(name),
        data,
        shards: options.shards,
        replicas: options.servers,
        logFile: this.#logOf(name),
        natsUrl,
        bitcoind: { rpcUrl, cookieFile, zmqUrl },
      }),
    );
  }

  /** Whether a node has logged a line that says all of this. */
  hasSaid(name: string, ...words: readonly string[]): boolean {
    const lines = readFileSync(this.#logOf(name), 'utf8').split('\n');
    return lines.some((line) => words.every((word) => line.includes(word)));
  }

  #logOf(name: string): string {
    return join(this.folder, `node-${name}.log`);
  }

  /** To any of the NATS servers, or to the one whose URL is given; over outages, whatever happens. A client is let in within a minute, or not. */
  async connect(as: 'client' | 'node' | 'operator', url = this.natsUrl): Promise<NatsConnection> {
    const seed = as === 'client' ? undefined : this.#seeds[as];
    const options: ConnectionOptions = {
      servers: url.split(','),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      pingInterval: 3_000,
      noAsyncTraces: true,
      ...(as === 'client' && asClient()),
      ...(as === 'operator' && { inboxPrefix: '_INBOX_OPERATOR' }),
      ...(seed !== undefined && { authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)) }),
    };
    const connection = as === 'client' ? await this.#letIn(options) : await connect(options);
    this.#connections.push(connection);
    if (this.#cleared) await connection.close();
    return connection;
  }

  /** While no node of the tower is up, no client is. */
  #letIn(options: ConnectionOptions): Promise<NatsConnection> {
    return until('a client is let in', () => {
      if (this.#cleared) throw new Error(CLEARED);
      return connect(options).catch(() => undefined);
    });
  }

  /** Mends what is cut, thaws what is frozen and starts what is down. */
  async heal(): Promise<void> {
    this.options.network?.heal();
    for (const victim of this.victims) victim.thaw();
    // None of a cluster is ready without another.
    await Promise.all(this.servers.map(({ victim }) => victim.heal()));
    for (const victim of this.victims) await victim.heal();
    await this.link.join();
  }

  /** Ends everything, the youngest first; may be called at any time, and twice. */
  async clear({ keep = false } = {}): Promise<void> {
    this.#cleared = true;
    for (const victim of this.#watched) victim.retire();
    for (const connection of this.#connections.splice(0)) await connection.close().catch(() => undefined);
    for (const running of this.#running.splice(0).reverse()) await running.stop().catch(() => undefined);
    if (!keep) rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  #victim(name: string, server: Victim['server']): Victim {
    const victim = new Victim(name, server, this.options.onDeath);
    this.#watched.push(victim);
    return victim;
  }

  #started<S extends { stop(): Promise<unknown> }>(server: S): S {
    this.#running.push(server);
    if (!this.#cleared) return server;
    void server.stop();
    throw new Error(CLEARED);
  }
}

const CLEARED = 'the stage was cleared meanwhile';

function fail(): never {
  throw new TypeError('the stage is not built yet');
}
