import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../actors/package-root.js';
import { natsSeed } from '../../actors/secrets.js';
import { natsKeys } from '../nats-keys.js';
import { type Bitcoind, startBitcoind } from '../servers/bitcoind.js';
import { type Child, startChild } from '../servers/child.js';
import { findServer } from '../servers/find.js';
import { type NatsServer, startNatsServer } from '../servers/nats-server.js';
import { freePorts } from '../servers/ports.js';

/** What the demo plays on: two servers and a tower, each a process of its own, in a folder that is ignored by git. */

const HOME = join(packageRoot, '.demo');
const KEPT = 'kept.json';

/** A node of the tower, as its own process: `argus up`. */
export interface Tower {
  readonly child: Child;
  /** What a person types to start it. */
  readonly command: string;
}

export interface Stage {
  readonly folder: string;
  readonly nats: NatsServer;
  readonly bitcoind: Bitcoind;
  readonly nodeSeed: string;
  /** Where the tower takes TEOS clients. */
  readonly httpUrl: string;
  /** Starts the tower's node; it is not waited for. */
  startTower(): Promise<Tower>;
  /** Ends everything and removes the folder. */
  clear(): Promise<void>;
  /** Leaves everything running, to be ended by `endKept`. */
  keep(): Promise<void>;
}

interface Started {
  readonly pid: number;
  readonly child: Child;
  stop(): Promise<unknown>;
}

/** Starts the servers. What was started is ended if the rest cannot be. */
export async function buildStage(): Promise<Stage> {
  const folder = join(HOME, `run-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const running: Started[] = [];
  const clear = async () => {
    for (const { stop } of running.splice(0).reverse()) await stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    removeIfEmpty(HOME);
  };
  stageInUse = clear;
  const started = <S extends Started>(server: S): S => {
    running.push(server);
    return server;
  };
  try {
    const data = join(folder, 'tower');
    const seedOf = (name: string) => natsSeed(join(data, 'nats', `${name}.nkey`));
    const [nodeSeed, operatorSeed, auditorSeed] = [seedOf('node'), seedOf('operator'), seedOf('auditor')];
    const nats = started(
      await startNatsServer({
        program: findServer('nats-server'),
        dataDir: join(folder, 'nats'),
        keys: natsKeys(nodeSeed, operatorSeed, auditorSeed),
      }),
    );
    const bitcoind = started(
      await startBitcoind({ program: findServer('bitcoind'), dataDir: join(folder, 'bitcoind') }),
    );
    const [port = 0] = await freePorts(1);
    const http = `127.0.0.1:${port}`;
    const startTower = async () => {
      const args = towerArguments(data, nats, bitcoind, http);
      const child = await startChild({
        program: process.execPath,
        args: [join(import.meta.dirname, '..', 'main.js'), ...args],
        logFile: join(folder, 'tower.log'),
      });
      started({ pid: child.pid, child, stop: child.stop });
      return { child, command: `argus ${args.join(' ').replaceAll(`${packageRoot}/`, '')}` };
    };
    const keep = async () => {
      writeFileSync(join(folder, KEPT), JSON.stringify(running.map(({ pid }) => pid)));
      for (const { child } of running.splice(0)) await child.release();
    };
    return { folder, nats, bitcoind, nodeSeed, httpUrl: `http://${http}`, startTower, clear, keep };
  } catch (error) {
    await clear();
    throw error;
  }
}

let stageInUse: () => Promise<void> = async () => {};

/** Ends whatever stage was built, finished or not. */
export const clearStage = (): Promise<void> => stageInUse();

const towerArguments = (data: string, nats: NatsServer, bitcoind: Bitcoind, http: string): string[] => [
  'up',
  '--network=regtest',
  '--node=demo',
  `--data=${data}`,
  `--nats=${nats.url}`,
  `--bitcoind=${bitcoind.rpcUrl}`,
  `--bitcoind-cookie=${bitcoind.cookieFile}`,
  `--zmq=${bitcoind.zmqUrl}`,
  `--http=${http}`,
];

function removeIfEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) rmSync(folder, { recursive: true });
}

const Pids = z.array(z.number().int().positive());

/** Ends what earlier demos kept, and removes their folders; gives how many there were. */
export async function endKept(): Promise<number> {
  const folders = existsSync(HOME) ? readdirSync(HOME).map((name) => join(HOME, name)) : [];
  const kept = folders.filter((folder) => existsSync(join(folder, KEPT)));
  for (const folder of kept) {
    const pids = Pids.parse(JSON.parse(readFileSync(join(folder, KEPT), 'utf8')));
    for (const pid of pids.reverse()) await endProcess(pid, folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
  removeIfEmpty(HOME);
  return kept.length;
}

/** Ends a process that still is what the demo started; a pid may have been given to another program since. */
async function endProcess(pid: number, folder: string): Promise<void> {
  const isOurs = () => {
    try {
      process.kill(pid, 0);
      return (
        !existsSync('/proc/self') || commandLineOf(pid).includes(folder) || commandLineOf(pid).includes('nats.conf')
      );
    } catch {
      return false;
    }
  };
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (isOurs()) process.kill(pid, signal);
    for (let waits = 0; waits < 200 && isOurs(); waits++) await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function commandLineOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
}
