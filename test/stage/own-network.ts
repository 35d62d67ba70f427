import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';

/** For a test file that needs a network to itself: whatever it does there is gone with it, and touches nothing else. */
export type OwnNetwork =
  /** This process has one. The signal tells that who started it is gone. */
  | { readonly kind: 'inside'; readonly orphaned: AbortSignal }
  /** This process has none; another had, and has run the file and reported its tests. */
  | { readonly kind: 'over' }
  /** None is to be had, for this reason. */
  | { readonly kind: 'not-here'; readonly why: string };

/** Tells the process inside which network is not its own. */
const OUTSIDE = 'TEST_NETWORK_OUTSIDE';

/** Debian keeps `ip` where only root looks. */
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

/** Root makes a namespace of networks; who is not may be root in one of users, where the kernel allows that. */
const UNSHARE = process.getuid?.() === 0 ? ['--net'] : ['--map-root-user', '--net'];

/** Makes one of everything that a `Network` is made of. */
const TRIAL = `set -e
"$0" -batch - <<end
link set dev lo up
link add name hub type bridge
link add name one type veth peer name two
end
nsenter --net=/proc/$$/ns/net true`;

/** How long it may take to clear the stage when nobody is left to report to, in ms. */
const CLEARING_MS = 20_000;

/** The program that sets networks up, of the package iproute2. */
export const ipCommand = (): string => process.env.IP_COMMAND ?? 'ip';

/**
 * Runs a test file, which calls this, a second time: as a process in a network namespace of its own, whose reports go where
 * ours would, and as which we end.
 */
export async function ownNetwork(file: string): Promise<OwnNetwork> {
  const outside = process.env[OUTSIDE];
  if (outside !== undefined) return { kind: 'inside', orphaned: enter(outside) };
  const why = trouble();
  if (why !== undefined) return { kind: 'not-here', why };
  const args = [...UNSHARE, process.execPath, ...process.execArgv, file];
  const env = { ...process.env, PATH, [OUTSIDE]: network() };
  const child = spawn('unshare', args, { stdio: ['pipe', 'inherit', 'inherit'], env });
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
  return { kind: 'over' };
}

const network = (): string => readlinkSync('/proc/self/ns/net');

/** Our end of the pipe from the process outside closes when that ends, in whatever way. */
function enter(outside: string): AbortSignal {
  if (network() === outside) throw new Error('this is not a network of its own');
  const { status, stderr } = spawnSync(ipCommand(), ['link', 'set', 'dev', 'lo', 'up'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip: ${stderr}`);
  const orphaned = new AbortController();
  process.stdin.resume().once('close', () => {
    process.stdout.on('error', () => undefined); // nobody may be there who reads
    orphaned.abort();
    setTimeout(() => process.exit(1), CLEARING_MS).unref();
  });
  process.stdin.unref();
  return orphaned.signal;
}

function trouble(): string | undefined {
  const args = [...UNSHARE, 'sh', '-c', TRIAL, ipCommand()];
  const { status, stderr, error } = spawnSync('unshare', args, { encoding: 'utf8', env: { ...process.env, PATH } });
  if (status === 0) return undefined;
  return `no network namespaces here: ${error?.message ?? stderr.trim().split('\n')[0]}`;
}
