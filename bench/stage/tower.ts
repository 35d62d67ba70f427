import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from 'nats';
import { z } from 'zod';
import { InfoAnswer, operatorSubjects, publicSubjects } from '../../actors/wire.js';
import type { Bitcoind } from '../../cli/servers/bitcoind.js';
import { type Child, startChild } from '../../cli/servers/child.js';
import type { NatsServer } from '../../cli/servers/nats-server.js';
import { TowerId } from '../../events/ids.js';
import { until } from '../measure/wait.js';

/** One line of a tower's log, as pino writes it; `time` is in milliseconds since 1970. */
export interface LogLine {
  readonly time: number;
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** How long a tower may take to read a long log, in ms. */
const REPLAY_MS = 20 * 60_000;

const Collected = z.object({ heapUsed: z.number(), external: z.number(), arrayBuffers: z.number() });
const Info = z.object({ watched_appointments: z.number() });
const Signed = z.object({ shards: z.array(z.object({ head_height: z.number().nullable() })).min(1) });
const Scanned = z.object({
  shards: z.array(z.object({ scanned_height: z.number().nullable(), unscanned_heights: z.array(z.string()) })).min(1),
});

export interface TowerOptions {
  /** The node's name. */
  readonly node: string;
  /** The tower's data folder: its keys are there. */
  readonly data: string;
  readonly logFile: string;
  readonly nats: NatsServer;
  /** Where clients come in. */
  readonly clientsNats: NatsServer;
  readonly bitcoind: Bitcoind;
  /** Where it takes TEOS clients: `127.0.0.1:9814`. */
  readonly http: string;
  /** A folder for a CPU profile, written when the tower ends. */
  readonly profile: string | undefined;
  /** Whether it watches the mempool. */
  readonly mempool: boolean;
  /** Whether it can be told to collect its garbage, see `collectGarbage`. */
  readonly probed: boolean;
  /** Whether it makes and uses snapshots. */
  readonly snapshots: boolean;
}

/**
 * A node of the tower as an operator runs it: `argus up`, a process of its own, with every setting at its default but for where its
 * servers are, and how fast clients may come.
 */
export class Tower {
  /** Starts it; it is not waited for. */
  static async start(options: TowerOptions): Promise<Tower> {
    const { node, data, logFile, nats, clientsNats, bitcoind, http, profile, mempool, probed, snapshots } = options;
    const profiler = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    const probe = probed ? ['--expose-gc', `--import=${join(import.meta.dirname, 'memory-probe.js')}`] : [];
    const launched = Date.now();
    const child = await startChild({
      program: process.execPath,
      args: [
        ...profiler,
        ...probe,
        join(import.meta.dirname, '..', '..', 'cli', 'main.js'),
        'up',
        '--network=regtest',
        `--node=${node}`,
        `--data=${data}`,
        `--nats=${nats.url}`,
        `--bitcoind=${bitcoind.rpcUrl}`,
        `--bitcoind-cookie=${bitcoind.cookieFile}`,
        `--zmq=${bitcoind.zmqUrl}`,
        ...(mempool ? [`--zmq-sequence=${bitcoind.zmqUrl}`] : []),
        `--http=${http}`,
        '--web=off',
      ],
      logFile,
      env: {
        // All clients come from one place, as fast as they can.
        ARGUS_LIMITS_REGISTRATIONS_PER_MINUTE: '0',
        ARGUS_LIMITS_USER_REQUESTS_PER_SECOND: '0',
        ARGUS_LIMITS_SOURCE_REQUESTS_PER_SECOND: '0',
        ...(clientsNats !== nats && { ARGUS_NATS_CLIENTS_URL: clientsNats.url }),
        ...(!snapshots && { ARGUS_SNAPSHOTS_EVERY: '0' }),
      },
    });
    return new Tower(child, logFile, `http://${http}`, launched);
  }

  private constructor(
    readonly child: Child,
    private readonly logFile: string,
    /** Where it takes TEOS clients. */
    readonly httpUrl: string,
    /** When, in ms since 1970. The log file may hold what others logged before. */
    private readonly launched: number,
  ) {}

  get pid(): number {
    return this.child.pid;
  }

  async stop(): Promise<void> {
    await this.child.stop();
  }

  /** Resolves when it is level with the log and answers clients, with the ms from its launch to that; takes as long as its replay does. */
  async untilReady(): Promise<number> {
    return (await this.untilSays('node is level with the log')).time - this.launched;
  }

  /** Resolves with the first line that it has logged, since it was launched, with a message and these fields. */
  async untilSays(wanted: string, fields: Readonly<Record<string, unknown>> = {}): Promise<LogLine> {
    const isIt = (line: LogLine) =>
      line.msg === wanted &&
      line.time >= this.launched &&
      Object.entries(fields).every(([name, value]) => line[name] === value);
    const look = async () => {
      await this.#assertAlive();
      return this.log().find(isIt);
    };
    return until(wanted, look, REPLAY_MS);
  }

  /** Resolves with the tower's id when it answers clients and is at this height. */
  async untilAt(height: number, nc: NatsConnection): Promise<TowerId> {
    const { tower_id: id } = await until(`the tower is at height ${height}`, async () => {
      await this.#assertAlive();
      const answer = await nc.request(publicSubjects.info, '{}', { timeout: 1_000 }).catch(() => undefined);
      const info = answer && InfoAnswer.parse(answer.json());
      return info?.height === height ? info : undefined;
    });
    return TowerId.parse(id);
  }

  /** Resolves when every shard has evaluated every block up to a height. Asks as an operator may. */
  async untilScanned(height: number, nc: NatsConnection): Promise<void> {
    await until(`the tower has scanned up to height ${height}`, async () => {
      await this.#assertAlive();
      const answer = await nc.request(operatorSubjects.info, '{}', { timeout: 1_000 }).catch(() => undefined);
      const shards = answer && Scanned.parse(answer.json()).shards;
      return shards?.every(({ scanned_height, unscanned_heights }) => {
        return scanned_height === height && unscanned_heights.length === 0;
      });
    });
  }

  /** Resolves when it holds so many appointments that wait for a breach; takes as long as its replay does. */
  async untilHolding(count: number, nc: NatsConnection): Promise<void> {
    const look = async () => {
      await this.#assertAlive();
      const answer = await nc.request(operatorSubjects.info, '{}', { timeout: 1_000 }).catch(() => undefined);
      return answer && Info.parse(answer.json()).watched_appointments >= count;
    };
    await until(`the tower holds ${count} appointments`, look, REPLAY_MS);
  }

  /** Resolves when every shard's log is hashed and signed up to a height; takes as long as hashing a long log does. */
  async untilSigned(height: number, nc: NatsConnection): Promise<void> {
    const look = async () => {
      await this.#assertAlive();
      const answer = await nc.request(operatorSubjects.info, '{}', { timeout: 1_000 }).catch(() => undefined);
      return answer && Signed.parse(answer.json()).shards.every(({ head_height }) => head_height === height);
    };
    await until(`the log is signed up to height ${height}`, look, REPLAY_MS);
  }

  /** Resolves when it has collected all of its garbage, with what is left, in bytes. Only where it is probed. */
  async collectGarbage(): Promise<z.infer<typeof Collected>> {
    const collected = () => this.log().filter(({ msg }) => msg === 'garbage is collected');
    const before = collected().length;
    process.kill(this.pid, 'SIGUSR2');
    return Collected.parse(await until('garbage is collected', () => collected()[before]));
  }

  async #assertAlive(): Promise<void> {
    const exit = await Promise.race([this.child.exited, sleep(0)]);
    if (exit) throw new Error(`the tower ended (${exit.code ?? exit.signal}):\n${this.child.tail()}`);
  }

  /** What it has logged so far. */
  log(): LogLine[] {
    const lines = readFileSync(this.logFile, 'utf8').split('\n');
    return lines.filter((line) => line.startsWith('{') && line.endsWith('}')).map((line) => JSON.parse(line));
  }

  /** What it logged as a warning or worse: there should be nothing. */
  complaints(): string[] {
    return this.log().flatMap(({ level, msg }) => (level >= 40 ? [msg] : []));
  }
}
