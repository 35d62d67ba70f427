import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BitcoindRpc } from '../../actors/bitcoind/rpc.js';
import { BitcoindUnreachable } from '../../actors/bitcoind/rpc-errors.js';
import { startChild } from './child.js';
import { freePorts } from './ports.js';
import { type Server, serverOf, startOnPorts, untilReady } from './server.js';

/** The ports of a bitcoind. */
export interface BitcoindPorts {
  readonly rpc: number;
  readonly zmq: number;
  /** For other bitcoinds; nobody listens on it unless `listen` is set. */
  readonly p2p: number;
}

/** What a bitcoind is started with. */
export interface BitcoindOptions {
  /** The program; see `findServer`. */
  readonly program: string;
  /** A folder for the chain, the cookie and the log file; made when it is not there. */
  readonly dataDir: string;
  /** The address that it listens on; 127.0.0.1 when not given. For another, `extraArgs` say who may call (`-rpcallowip`). */
  readonly host?: string;
  /** Free ones when not given. */
  readonly ports?: BitcoindPorts;
  /** Whether other bitcoinds may connect to it; not unless told. */
  readonly listen?: boolean;
  /** Further command-line arguments; they win over ours. */
  readonly extraArgs?: readonly string[];
}

/** A running bitcoind on a regtest chain of its own, without a wallet. */
export interface Bitcoind extends Server {
  /** `http://<host>:<port>` */
  readonly rpcUrl: string;
  readonly cookieFile: string;
  /** Publishes `hashblock`, `hashtx` and `sequence`: `tcp://<host>:<port>` */
  readonly zmqUrl: string;
  readonly ports: BitcoindPorts;
  /** For other bitcoinds: `<host>:<port>` */
  readonly p2p: string;
  /** A client that follows the cookie over restarts. */
  readonly rpc: BitcoindRpc;
}

/**
 * Starts a bitcoind in regtest; resolves when it answers calls and is out of its warm-up. Rejects with `ServerFailed`,
 * quoting its last lines, when it ends before that or is not ready in time.
 */
export async function startBitcoind(options: BitcoindOptions): Promise<Bitcoind> {
  mkdirSync(options.dataDir, { recursive: true });
  const wanted = options.ports && [options.ports.rpc, options.ports.zmq, options.ports.p2p];
  return startOnPorts(
    wanted,
    () => freePorts(3),
    async ([rpc = 0, zmq = 0, p2p = 0]) => startOn({ rpc, zmq, p2p }, options),
  );
}

async function startOn(ports: BitcoindPorts, options: BitcoindOptions): Promise<Bitcoind> {
  const dataDir = resolve(options.dataDir);
  const { host = LOOPBACK, listen = false, extraArgs = [] } = options;
  const zmqUrl = `tcp://${host}:${ports.zmq}`;
  const rpcUrl = `http://${host}:${ports.rpc}`;
  const p2p = `${host}:${ports.p2p}`;
  const cookieFile = join(dataDir, 'regtest', '.cookie');
  const rpc = new BitcoindRpc({ url: rpcUrl, auth: { cookieFile } });
  const launch = async () => {
    const child = await startChild({
      program: options.program,
      args: [...argsFor(host, dataDir, ports, zmqUrl, listen), ...extraArgs],
      logFile: join(dataDir, 'bitcoind.log'),
      graceMs: 20_000,
    });
    await untilReady('bitcoind', child, () => answers(rpc));
    return child;
  };
  const server = serverOf(await launch(), launch);
  return Object.assign(server, { rpcUrl, cookieFile, zmqUrl, ports, p2p, rpc });
}

/** Whether it takes calls. Rejects when it does not know our cookie: then another program has the port. */
async function answers(rpc: BitcoindRpc): Promise<boolean> {
  try {
    await rpc.call('getblockchaininfo');
    return true;
  } catch (error) {
    if (error instanceof BitcoindUnreachable) return false;
    throw error;
  }
}

const LOOPBACK = '127.0.0.1';

/** Relay policy as on the main network, whatever regtest's own default is; a small cache; one network face. */
const argsFor = (host: string, dataDir: string, ports: BitcoindPorts, zmqUrl: string, listen: boolean): string[] => [
  '-regtest',
  `-datadir=${dataDir}`,
  '-server',
  `-rpcbind=${host}:${ports.rpc}`,
  `-rpcport=${ports.rpc}`,
  '-rpcallowip=127.0.0.1',
  ...(listen ? [`-bind=${host}:${ports.p2p}`] : ['-listen=0']),
  '-discover=0',
  '-dnsseed=0',
  '-fixedseeds=0',
  '-listenonion=0',
  `-zmqpubhashblock=${zmqUrl}`,
  `-zmqpubhashtx=${zmqUrl}`,
  `-zmqpubsequence=${zmqUrl}`,
  '-disablewallet',
  '-acceptnonstdtxn=0',
  '-txindex=0',
  '-dbcache=16',
  '-par=1',
  '-printtoconsole=1',
  '-debuglogfile=0',
];
