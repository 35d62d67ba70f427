import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child.js';

/** A server program that runs, what both of ours have in common. It stays the same object over restarts. */
export interface Server {
  /** Of the current run. */
  readonly pid: number;
  /** The current run; `child.kill('SIGSTOP')` freezes the server. */
  readonly child: Child;
  /** Ends it in good order. May be called twice. */
  stop(): Promise<void>;
  /** Ends it by SIGKILL, as a crash would, and waits until it is gone. */
  kill(): Promise<void>;
  /** Ends it, if it runs, and starts it again on the same ports and data; resolves when it is ready. */
  restart(): Promise<void>;
}

/** A server that did not get ready; the message quotes the last lines of its log. */
export class ServerFailed extends Error {
  readonly code = 'server-failed';
  constructor(server: string, what: string, child: Child, options?: ErrorOptions) {
    super(`${server} ${what}. Its last words:\n${child.tail() || '(none)'}`, options);
  }
}

/** The server whose runs `launch` begins, and whose first run is `first`. */
export function serverOf(first: Child, launch: () => Promise<Child>): Server {
  let child = first;
  return {
    get pid() {
      return child.pid;
    },
    get child() {
      return child;
    },
    stop: async () => void (await child.stop()),
    kill: async () => {
      child.kill('SIGKILL');
      await child.stop();
    },
    restart: async () => {
      await child.stop();
      child = await launch();
    },
  };
}

const STARTUP_MS = 60_000;

/**
 * Waits until `isReady` says so. Rejects with `ServerFailed` when the server ends before that, when `isReady` throws,
 * or after a minute; the server has then ended.
 */
export async function untilReady(name: string, child: Child, isReady: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + STARTUP_MS;
  const ended = child.exited.then(() => 'ended' as const);
  const fail = async (what: string, cause?: unknown): Promise<never> => {
    await child.stop();
    throw new ServerFailed(name, what, child, { cause });
  };
  while (Date.now() < end) {
    try {
      const state = await Promise.race([isReady(), ended]);
      if (state === 'ended') return fail('ended before it was ready');
      if (state) return;
    } catch (error) {
      return fail(`does not take our call (${String(error)})`, error);
    }
    await sleep(20);
  }
  return fail(`was not ready within ${STARTUP_MS / 1000} s`);
}

/**
 * Starts a server on the `wanted` ports; or, when none are wanted, on free ones, and then on others again, twice, when
 * it fails: another program may have taken a port between our look and the server's bind.
 */
export async function startOnPorts<T>(
  wanted: readonly number[] | undefined,
  choose: () => Promise<number[]>,
  start: (ports: readonly number[]) => Promise<T>,
): Promise<T> {
  if (wanted) return start(wanted);
  for (let again = 2; ; again--) {
    try {
      return await start(await choose());
    } catch (error) {
      if (!(error instanceof ServerFailed) || again === 0) throw error;
    }
  }
}
