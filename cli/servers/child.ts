import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A server program that runs beside us and cannot outlive us.
 *
 *   owner (node) ==pipe==> leash (sh) --SIGTERM, then SIGKILL--> server
 *
 * The leash reads the owner's pipe. It closes when the owner ends, in whatever way the
 * owner ends, SIGKILL included, and then the leash ends the server. Both live in a session of their own, so that a
 * Ctrl-C in the terminal reaches only the owner, which can then stop its servers in good order. A word on the pipe
 * lets the server go: from then on it outlives its owner.
 */
export interface Child {
  /** The server's own process id, not the leash's. */
  readonly pid: number;
  /** How the server ended; pending while it runs, and never rejected. */
  readonly exited: Promise<Exit>;
  /** Ends the server: SIGTERM, and SIGKILL when it still runs after the grace. May be called twice. Throws if it survives even that. */
  stop(): Promise<Exit>;
  /** Sends a signal to the server; does nothing when it has ended. SIGSTOP freezes it, SIGCONT thaws it. */
  kill(signal: NodeJS.Signals): void;
  /** Lets the server go on when we end; whoever calls this has noted its pid. */
  release(): Promise<void>;
  /** The last lines that the server wrote since this start, for an error message. */
  tail(lines?: number): string;
}

/** How a server ended: its exit code, or the signal that ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What `startChild` needs to know. */
export interface ChildOptions {
  /** A path, or a name to be found on PATH. */
  readonly program: string;
  readonly args: readonly string[];
  /** A file that takes the server's stdout and stderr; created or appended to. */
  readonly logFile: string;
  /** Added to our own environment; what is undefined is taken out of it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How long it may take to end after SIGTERM, in ms; 10 s unless told. */
  readonly graceMs?: number;
}

/**
 * fd 0 is the owner's pipe, fd 3 takes the server's pid, $1 is the grace in tenths of a second.
 * sh gives a background job /dev/null as stdin, hence the pipe moves to fd 4, which only the reader keeps.
 */
const LEASH = `
exec 4<&0 </dev/null
grace=$1; shift
"$@" 3>&- 4<&- &
server=$!
( exec 3>&-
  read -r _ <&4 && exit
  kill -TERM "$server"; kill -CONT "$server"
  while [ "$grace" -gt 0 ] && kill -0 "$server"; do sleep 0.1; grace=$((grace - 1)); done
  kill -KILL "$server" ) 2>/dev/null &
reader=$!
exec 4<&-
echo "$server" >&3
exec 3>&-
wait "$server"
status=$?
kill "$reader" 2>/dev/null
exit "$status"
`;

/** Starts a server; resolves as soon as its pid is known, which says nothing yet about whether it is ready. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const graceMs = options.graceMs ?? 10_000;
  const log = openSync(options.logFile, 'a+');
  const start = fstatSync(log).size;
  const env = { ...process.env, ...options.env };
  const tenths = String(Math.ceil(graceMs / 100));
  const child = spawn('/bin/sh', ['-c', LEASH, 'leash', tenths, options.program, ...options.args], {
    env,
    detached: true,
    stdio: ['pipe', log, log, 'pipe'],
  });
  closeSync(log);

  let ended = false;
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null })); // the program is not there
    child.once('exit', (code, signal) => resolve(exitOf(code, signal)));
  }).then((exit) => {
    ended = true;
    return exit;
  });
  const pid = await reportedPid(child, exited);

  const kill = (signal: NodeJS.Signals): void => {
    if (!ended && pid > 0) signalTo(pid, signal);
  };
  const stop = async (): Promise<Exit> => {
    kill('SIGTERM');
    kill('SIGCONT'); // a frozen server can only end when it is thawed
    const gently = await within(exited, graceMs);
    if (gently) return gently;
    kill('SIGKILL');
    const killed = await within(exited, 5_000);
    if (killed) return killed;
    throw new Error(`${options.program} (pid ${pid}) does not end, not even by SIGKILL`);
  };
  const release = async (): Promise<void> => {
    await new Promise<void>((resolve) => child.stdin?.end('go\n', resolve));
    child.stdio[3]?.destroy();
    child.unref();
  };
  return { pid, exited, stop, kill, release, tail: (lines = 15) => tailOf(options.logFile, start, lines) };
}

/** What `promise` resolves to, or `undefined` after `ms`; the timer is gone afterwards. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const timer = new AbortController();
  const late = sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}

/** The pid that the leash writes on fd 3, or 0 when the leash ended without a word. */
async function reportedPid(leash: ChildProcess, exited: Promise<Exit>): Promise<number> {
  const line = new Promise<number>((resolve) => {
    leash.stdio[3]?.once('data', (bytes: Buffer) => resolve(Number.parseInt(bytes.toString(), 10)));
  });
  const pid = await within(Promise.race([line, exited.then(() => 0)]), 10_000);
  if (pid !== undefined) return pid;
  leash.stdin?.destroy(); // lets the leash end what it may have started
  throw new Error('the leash did not report the pid of its server within 10 s');
}

/** sh reports a child that a signal ended as 128 + the signal's number. */
function exitOf(code: number | null, signal: NodeJS.Signals | null): Exit {
  if (code === null || code <= 128) return { code, signal };
  const known = Object.entries(constants.signals).find(([, number]) => number === code - 128);
  return known ? { code: null, signal: known[0] as NodeJS.Signals } : { code, signal: null };
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ended in this very moment
  }
}

/** The last `lines` lines of a file, of what was written at or after the byte `start`. */
function tailOf(file: string, start: number, lines: number): string {
  const fd = openSync(file, 'r');
  try {
    const from = Math.max(start, fstatSync(fd).size - 8192);
    const bytes = Buffer.alloc(8192);
    const read = readSync(fd, bytes, 0, bytes.length, from);
    return bytes.subarray(0, read).toString().trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    closeSync(fd);
  }
}
