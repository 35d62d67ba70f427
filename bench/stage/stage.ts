import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { asClient } from '../../actors/client/nats-courier.js';
import { packageRoot } from '../../actors/package-root.js';
import { natsSeed, towerKeyFile } from '../../actors/secrets.js';
import { natsKeys } from '../../cli/nats-keys.js';
import { BEHIND } from '../../cli/own-nats.js';
import { type Bitcoind, startBitcoind } from '../../cli/servers/bitcoind.js';
import { findServer } from '../../cli/servers/find.js';
import { type NatsServer, startNatsServer } from '../../cli/servers/nats-server.js';
import { freePorts } from '../../cli/servers/ports.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import type { TowerId } from '../../events/ids.js';
import { connectLog } from '../../events/log/connection.js';
import { cpuSince } from '../measure/cpu.js';
import { Tower } from './tower.js';

/** In the checkout, so that it is on a disk; a system's folder for temporary files may be in memory, where fsync is free. */
const HOME = join(packageRoot, '.bench');

/** What a figure wants otherwise. */
export interface StageOptions {
  /** Whether the tower watches the mempool; not unless told. */
  readonly mempool?: boolean;
  /** Whether the tower can be told to collect its garbage; not unless told. */
  readonly probed?: boolean;
  /** Whether the tower makes and uses snapshots; it does unless told. */
  readonly snapshots?: boolean;
  /** Whether clients come to a NATS server of their own; not unless told. */
  readonly clientsNats?: boolean;
}

/** Real servers and a real tower, each a process of its own, in a folder that is removed with them. */
export class Stage {
  static #count = 0;
  readonly folder = join(HOME, `${process.pid}-${Stage.#count++}`);
  #nodeSeed: string | undefined;
  #nats: NatsServer | undefined;
  #clientsNats: NatsServer | undefined;
  #bitcoind: Bitcoind | undefined;
  #chain: RegtestChain | undefined;
  #tower: Tower | undefined;
  #towerId: TowerId | undefined;
  #asking: NatsConnection | undefined;
  #operating: NatsConnection | undefined;
  #profile: string | undefined;
  #wanted: Required<StageOptions> = { mempool: false, probed: false, snapshots: true, clientsNats: false };
  #building: Promise<void> | undefined;
  #cleared = false;
  readonly #running: { stop(): Promise<unknown> }[] = [];

  /** Starts all of it; resolves when the tower is level with a chain of 110 blocks. What was started is ended by `clear`. */
  build(profile: string | undefined, wanted: StageOptions = {}): Promise<void> {
    this.#profile = profile;
    this.#wanted = { ...this.#wanted, ...wanted };
    this.#building = this.#build();
    return this.#building;
  }

  async #build(): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    const data = this.#data;
    const seedOf = (name: string) => natsSeed(join(data, 'nats', `${name}.nkey`));
    const [node, operator, auditor] = [seedOf('node'), seedOf('operator'), seedOf('auditor')];
    this.#nodeSeed = node;
    const common = { program: findServer('nats-server'), keys: natsKeys(node, operator, auditor) };
    this.#nats = this.#started(await startNatsServer({ ...common, dataDir: join(this.folder, 'nats') }));
    if (this.#wanted.clientsNats)
      this.#clientsNats = this.#started(
        await startNatsServer({
          ...common,
          dataDir: join(this.folder, 'nats-clients'),
          config: 'nats-clients.conf',
          nice: BEHIND,
        }),
      );
    this.#bitcoind = this.#started(
      await startBitcoind({ program: findServer('bitcoind'), dataDir: join(this.folder, 'bitcoind') }),
    );
    this.#chain = new RegtestChain(this.#bitcoind.rpc);
    await this.#chain.mine(110);
    await this.startTower();
    this.#towerId = await this.untilLevel();
  }

  /** Where the tower keeps its snapshots. */
  get snapshots(): string {
    return join(this.#data, 'snapshots');
  }

  /** The file with the key that it signs with. */
  get towerKeyFile(): string {
    return towerKeyFile(this.#data);
  }

  /** The file with the auditor's nkey. */
  get auditorNkeyFile(): string {
    return join(this.#data, 'nats', 'auditor.nkey');
  }

  get #data(): string {
    return join(this.folder, 'tower');
  }

  /** Starts the tower, again if it was stopped; it is not waited for. */
  async startTower(): Promise<void> {
    this.#tower = await this.#startNode('bench');
  }

  /** Starts one more node of the tower, on the same servers; resolves when it answers clients. */
  async addNode(name: string): Promise<Tower> {
    const node = await this.#startNode(name);
    await node.untilReady();
    return node;
  }

  async #startNode(node: string): Promise<Tower> {
    const { nats, clientsNats, bitcoind } = this;
    const [port = 0] = await freePorts(1);
    const where = { data: this.#data, logFile: join(this.folder, `${node}.log`), http: `127.0.0.1:${port}` };
    return this.#started(
      await Tower.start({ ...this.#wanted, node, ...where, nats, clientsNats, bitcoind, profile: this.#profile }),
    );
  }

  get nats(): NatsServer {
    return built(this.#nats);
  }

  /** The one that clients come to. */
  get clientsNats(): NatsServer {
    return this.#clientsNats ?? this.nats;
  }

  get bitcoind(): Bitcoind {
    return built(this.#bitcoind);
  }

  get chain(): RegtestChain {
    return built(this.#chain);
  }

  get tower(): Tower {
    return built(this.#tower);
  }

  /** Where the tower takes TEOS clients. */
  get httpUrl(): string {
    return this.tower.httpUrl;
  }

  get towerId(): TowerId {
    return built(this.#towerId);
  }

  /** A connection as clients have it, with an nkey of its own. Closed by `clear`. */
  async connectClient(): Promise<NatsConnection> {
    return this.#connected(await connect({ servers: this.clientsNats.url, noAsyncTraces: true, ...asClient() }));
  }

  /** A connection of nobody, who may ask what the tower says of itself, and whether there is one. Closed by `clear`. */
  async #connectAnyone(): Promise<NatsConnection> {
    return this.#connected(await connect({ servers: this.clientsNats.url, noAsyncTraces: true }));
  }

  /** A connection as the tower has it: it may do everything. Closed by `clear`. */
  async connectNode(): Promise<NatsConnection> {
    return this.#connected(
      await connectLog({ servers: this.nats.url, seed: built(this.#nodeSeed), name: 'argus bench' }),
    );
  }

  /** The CPU time of the tower, its servers and this process, which makes the load; see `cpuSince`. */
  cpuSince() {
    const { tower, nats, clientsNats, bitcoind } = this;
    const pids = { tower: tower.pid, nats: nats.pid, bitcoind: bitcoind.pid, load: process.pid };
    return cpuSince({ ...pids, clients: clientsNats.pid });
  }

  /** Resolves when the tower is at bitcoind's height. */
  async untilLevel(): Promise<TowerId> {
    this.#asking ??= await this.#connectAnyone();
    return this.tower.untilAt(await this.chain.height(), this.#asking);
  }

  /** Resolves when the tower has evaluated every block up to bitcoind's height. */
  async untilScanned(): Promise<void> {
    this.#operating ??= await this.connectNode();
    await this.tower.untilScanned(await this.chain.height(), this.#operating);
  }

  /** Resolves when the tower holds so many appointments that wait for a breach. */
  async untilHolding(count: number): Promise<void> {
    this.#operating ??= await this.connectNode();
    await this.tower.untilHolding(count, this.#operating);
  }

  /** Resolves when the tower has signed its log up to bitcoind's height: from then on it has nothing to do. */
  async untilSigned(): Promise<void> {
    this.#operating ??= await this.connectNode();
    await this.tower.untilSigned(await this.chain.height(), this.#operating);
  }

  /** Ends everything, the youngest first, and removes the folder. May be called at any time, and twice. */
  async clear(): Promise<void> {
    this.#cleared = true;
    await this.#stopAll();
    await this.#building?.catch(() => undefined); // a server that was being started is among the running now
    await this.#stopAll();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    if (existsSync(HOME) && readdirSync(HOME).length === 0) rmdirSync(HOME);
  }

  async #stopAll(): Promise<void> {
    for (const running of this.#running.splice(0).reverse()) await running.stop();
  }

  #connected(connection: NatsConnection): NatsConnection {
    this.#running.push({ stop: () => connection.close() });
    return connection;
  }

  #started<S extends { stop(): Promise<unknown> }>(server: S): S {
    this.#running.push(server);
    if (this.#cleared) throw new Error('the stage was cleared while it was built');
    return server;
  }
}

function built<T>(part: T | undefined): T {
  if (part === undefined) throw new TypeError('the stage is not built yet');
  return part;
}
