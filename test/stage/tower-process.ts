import { join } from 'node:path';
import { packageRoot } from '../../actors/package-root.js';
import type { Bitcoind } from '../../cli/servers/bitcoind.js';
import { startChild } from '../../cli/servers/child.js';
import { type Server, serverOf } from '../../cli/servers/server.js';
import type { Place } from './place.js';

/** A node of the tower as an operator runs it: `argus up`, a process of its own. */
export type TowerProcess = Server;

export interface TowerProcessOptions {
  readonly name: string;
  readonly place: Place;
  /** The tower's data folder: its keys are there, shared by its nodes. */
  readonly data: string;
  readonly shards: number;
  readonly replicas: number;
  readonly logFile: string;
  readonly natsUrl: string;
  readonly bitcoind: Pick<Bitcoind, 'rpcUrl' | 'cookieFile' | 'zmqUrl'>;
}

/** Starts one; it is not waited for. */
export async function startTowerNode(options: TowerProcessOptions): Promise<TowerProcess> {
  const { name, place, data, shards, replicas, logFile, natsUrl, bitcoind } = options;
  const launch = () =>
    startChild({
      program: place.program(process.execPath),
      args: [
        '--enable-source-maps',
        join(packageRoot, 'dist', 'cli', 'main.js'),
        'up',
        '--network=regtest',
        `--node=${name}`,
        `--data=${data}`,
        `--shards=${shards}`,
        `--replicas=${replicas}`,
        `--nats=${natsUrl}`,
        `--bitcoind=${bitcoind.rpcUrl}`,
        `--bitcoind-cookie=${bitcoind.cookieFile}`,
        `--zmq=${bitcoind.zmqUrl}`,
        '--http=off',
        '--web=off',
        // One node watches the mempool, the others do not: what is promised is the same.
        ...(name === 'one' ? [`--zmq-sequence=${bitcoind.zmqUrl}`] : []),
        '--log-level=debug',
      ],
      env: {
        // All clients come from one place, as fast as they can.
        ARGUS_LIMITS_REGISTRATIONS_PER_MINUTE: '0',
        ARGUS_LIMITS_USER_REQUESTS_PER_SECOND: '0',
        ARGUS_LIMITS_SOURCE_REQUESTS_PER_SECOND: '0',
        ARGUS_BITCOIND_POLL_SECONDS: '2',
      },
      logFile,
      graceMs: 15_000,
    });
  return serverOf(await launch(), launch);
}
