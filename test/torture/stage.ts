import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection, nkeyAuthenticator } from 'nats';
import { natsSeed, publicNkey, towerKey } from '../../actors/secrets.js';
import { type Bitcoind, startBitcoind } from '../../cli/servers/bitcoind.js';
import { findServer } from '../../cli/servers/find.js';
import { type NatsServer, startNatsServer } from '../../cli/servers/nats-server.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { type NatsProxy, startNatsProxy } from '../support/nats-proxy.js';
import type { Cleanup } from '../support/temp-dir.js';
import { Link } from './link.js';
import { startTowerNode, type TowerProcess } from './tower-process.js';
import { Victim } from './victim.js';

/** Everything that runs: nats-server, two bitcoinds that are peers, two nodes of one tower, each a process of its own. */
export class Stage implements Cleanup {
  /** Holds the servers' data and logs. */
  readonly folder = mkdtempSync(join(tmpdir(), 'argus-torture-'));
  readonly data = join(this.folder, 'tower');
  readonly towerId: string;
  readonly #seeds: { readonly node: string; readonly operator: string };
  readonly #running: { stop(): Promise<unknown> }[] = [];
  readonly #connections: NatsConnection[] = [];
  readonly victims: Victim[] = [];
  readonly lines: { readonly name: string; readonly line: NatsProxy }[] = [];
  #nats: NatsServer | undefined;
  #link: Link | undefined;
  #cleared = false;

  constructor(
    private readonly shards: number,
    private readonly onDeath: (what: string) => void,
  ) {
    mkdirSync(this.data, { recursive: true });
    this.towerId = towerKey(join(this.data, 'tower.key')).towerId;
    const seedOf = (name: string) => natsSeed(join(this.data, 'nats', `${name}.nkey`));
    this.#seeds = { node: seedOf('node'), operator: seedOf('operator') };
  }

  get nats(): NatsServer {
    return built(this.#nats);
  }

  get link(): Link {
    return built(this.#link);
  }

  /** Starts all of it, with a chain of 110 blocks. */
  async build(): Promise<void> {
    const { folder } = this;
    this.#nats = this.#started(
      await startNatsServer({
        program: findServer('nats-server'),
        dataDir: join(folder, 'nats'),
        nodeNkey: publicNkey(this.#seeds.node),
        operatorNkey: publicNkey(this.#seeds.operator),
      }),
    );
    const bitcoinds: Bitcoind[] = [];
    for (const name of ['a', 'b']) {
      const dataDir = join(folder, `bitcoind-${name}`);
      bitcoinds.push(this.#started(await startBitcoind({ program: findServer('bitcoind'), dataDir, listen: true })));
    }
    const [a = fail(), b = fail()] = bitcoinds.map((bitcoind, i) => {
      const victim = this.#victim(`bitcoind ${'ab'[i]}`, bitcoind);
      return { bitcoind, victim, chain: new RegtestChain(bitcoind.rpc) };
    });
    this.#link = new Link(a, b);
    await a.chain.mine(110);
    await this.#link.join();
    this.#victim('nats-server', this.nats);
    for (const [name, { bitcoind }] of [['one', a] as const, ['two', b] as const]) {
      const line = await startNatsProxy(this, this.nats.port);
      this.lines.push({ name: `node ${name}'s line`, line });
      this.#victim(`node ${name}`, await this.startNode(name, bitcoind, line.url));
    }
  }

  /** Has something ended when the stage is cleared. */
  after(end: () => unknown): void {
    this.#running.push({ stop: async () => end() });
  }

  /** One more node on the same log. */
  async startNode(name: string, bitcoind: Bitcoind, natsUrl = this.nats.url): Promise<TowerProcess> {
    const { data, shards, folder } = this;
    const logFile = join(folder, `node-${name}.log`);
    return this.#started(await startTowerNode({ name, data, shards, logFile, natsUrl, bitcoind }));
  }

  async connect(as: 'client' | 'node' | 'operator'): Promise<NatsConnection> {
    const seed = as === 'client' ? undefined : this.#seeds[as];
    const connection = await connect({
      servers: this.nats.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      pingInterval: 3_000,
      noAsyncTraces: true,
      ...(as === 'operator' && { inboxPrefix: '_INBOX_OPERATOR' }),
      ...(seed !== undefined && { authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)) }),
    });
    this.#connections.push(connection);
    return connection;
  }

  /** Thaws what is frozen and starts what is down. */
  async heal(): Promise<void> {
    for (const victim of this.victims) await victim.heal();
    await this.link.join();
  }

  /** Ends everything, the youngest first; may be called at any time, and twice. */
  async clear({ keep = false } = {}): Promise<void> {
    this.#cleared = true;
    for (const victim of this.victims) victim.retire();
    for (const connection of this.#connections.splice(0)) await connection.close().catch(() => undefined);
    for (const running of this.#running.splice(0).reverse()) await running.stop().catch(() => undefined);
    if (!keep) rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  #victim(name: string, server: Victim['server']): Victim {
    const victim = new Victim(name, server, this.onDeath);
    this.victims.push(victim);
    return victim;
  }

  #started<S extends { stop(): Promise<unknown> }>(server: S): S {
    this.#running.push(server);
    if (!this.#cleared) return server;
    void server.stop();
    throw new Error('the stage was cleared while it was built');
  }
}

function built<T>(part: T | undefined): T {
  return part ?? fail();
}

function fail(): never {
  throw new TypeError('the stage is not built yet');
}
